"""The description of a run: what to read, and the settings of the method with the paper's values.

Everything downstream takes these models and nothing else. A field is the one place where a setting is defined: its
type, default and sentence make the option of `sts-eval predict`, the comment in the YAML file, the key of lm-eval's
`--metadata` and the row in the documentation.
"""

from pydantic import Field

from sts_eval.experiment.ablation import AblationPlan, AblationSettings
from sts_eval.experiment.measurement import MeasureSettings
from sts_eval.experiment.prediction import PredictSettings
from sts_eval.experiment.reward import REWARDS
from sts_eval.experiment.sae_training import SAERecipe, SAETrainSettings, TextSpec
from sts_eval.experiment.sources import BenchmarkSpec, ModelSpec, SAESpec, TrainingSetSpec
from sts_eval.experiment.spec import Named, Spec
from sts_eval.experiment.tuning import RATE, FeatureTuningSettings, GRPOSettings, TuneSettings

__all__ = [
    "RATE",
    "REWARDS",
    "AblationPlan",
    "AblationSettings",
    "BenchmarkSpec",
    "Experiment",
    "FeatureTuningSettings",
    "GRPOSettings",
    "MeasureSettings",
    "ModelSpec",
    "Named",
    "PredictSettings",
    "Run",
    "SAERecipe",
    "SAESpec",
    "SAETrainSettings",
    "Spec",
    "TextSpec",
    "TrainingSetSpec",
    "TuneSettings",
]


class Experiment(Spec):
    """A prediction in full: what is read and how."""

    model: ModelSpec
    sae: SAESpec = SAESpec()
    training_set: TrainingSetSpec
    benchmark: BenchmarkSpec = BenchmarkSpec()
    settings: PredictSettings = PredictSettings()
    tune: TuneSettings | None = Field(
        None, description="the fine-tuning to predict; read by predictors that take gradients or train"
    )

    @property
    def reward(self) -> str:
        """What accepts a model's own answers: as the prediction's settings say, or else as the tuning's do."""
        return self.settings.reward or (self.tune.grpo.reward if self.tune and self.tune.grpo else "exact")


class Run(Experiment):
    """A prediction and its test: predict, fine-tune, measure, report."""

    tune: TuneSettings = TuneSettings()
    measure: MeasureSettings = MeasureSettings()
