"""What the fine-tunings of all seeds have in common. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts_eval.data.prompt import Prompter
from sts_eval.data.training_set import TrainingSet
from sts_eval.experiment import ModelSpec, TuneSettings

if TYPE_CHECKING:
    from sts_eval.tuning.features import FeaturePlan


@dataclass(frozen=True)
class Setup:
    """What all seeds have in common."""

    model: ModelSpec
    training_set: TrainingSet
    settings: TuneSettings
    prompter: Prompter  # its tokenizer pads the rows, and is saved beside the weights
    context: int  # longest row that the model reads, in tokens
    features: FeaturePlan | None = None  # of the method features
