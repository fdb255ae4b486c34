"""The predictors beside STS that a run asks for: they listen to STS's passes, and what else they need is read once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sts_eval.data.benchmark import Benchmark
from sts_eval.data.prompt import Turn
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings
from sts_eval.predictors.predictor import Need, Predictor
from sts_eval.progress import Progress
from sts_eval.records.prediction import PredictorCost, PredictorScores, Score
from sts_eval.study.activations import Meter
from sts_eval.study.cost import Ledger
from sts_eval.study.extractor import Extractor
from sts_eval.study.losses import read_losses
from sts_eval.study.shifted_features import Shift
from sts_eval.study.study import Activations, Study, Texts

_TRAINING = ""
"""The training set's name among the bodies of questions; no domain is called so."""


@dataclass(frozen=True)
class Material:
    """What a prediction is about.

    Attributes:
        training_set: The set that the model would be tuned on.
        benchmark: The domains.
        chosen: By domain, positions of the questions that the first seed reads.
        tune: The tuning that is foretold.
    """

    training_set: TrainingSet
    benchmark: Benchmark
    chosen: Mapping[str, Sequence[int]]
    tune: TuneSettings


class Rivals:
    """Predictors beside STS.

    Args:
        wanted: Which.
        extractor: Model, SAE and dials.

    Attributes:
        needs: Parts of a study that any of them reads.
        ledger: Books what the parts cost; STS's own passes are to be booked on it too.
    """

    def __init__(self, wanted: Sequence[Predictor], extractor: Extractor) -> None:
        """Nothing is read yet."""
        self._wanted = wanted
        self._instrument = extractor
        self._meters: dict[str, Meter] = {}
        self.needs = frozenset(need for one in wanted for need in one.needs)
        self.ledger = Ledger(extractor.reader.model)

    def listen(self, domain: str | None = None) -> Callable[[Sequence[Turn]], Meter] | None:
        """A listener for STS's pass over a domain, or over the training set; None where nobody listens."""
        if Need.ACTIVATIONS not in self.needs:
            return None
        name = _TRAINING if domain is None else domain

        def make(turns: Sequence[Turn]) -> Meter:
            self._meters[name] = Meter(self._instrument.autoencoder, turns, name)
            return self._meters[name]

        return make

    def columns(self, material: Material, shift: Shift, progress: Progress) -> tuple[PredictorScores, ...]:
        """Read what is still missing, and score.

        Args:
            material: Data and settings.
            shift: Step 1 of the first seed.
            progress: Told of what is read.

        Raises:
            UserError: A question does not say which option is right though a predictor wants to know, or a
                predictor scores a domain that is none.
        """
        study = self._study(material, shift, progress)
        return tuple(self._column(one, study, material) for one in self._wanted)

    def _study(self, material: Material, shift: Shift, progress: Progress) -> Study:
        questions = {
            name: [material.benchmark.domains[name].questions[position] for position in positions]
            for name, positions in material.chosen.items()
        }
        texts = Texts(
            material.training_set.examples,
            {name: [question.text for question in taken] for name, taken in questions.items()},
        )
        seed, extractor, data = shift.seed, self._instrument, material.training_set
        activations = losses = gradients = probe = None
        if Need.ACTIVATIONS in self.needs:
            moments = {name: meter.moments() for name, meter in self._meters.items()}
            activations = Activations(moments.pop(_TRAINING), moments)
        if Need.LOSSES in self.needs:
            with self.ledger(Need.LOSSES):
                losses = read_losses(extractor, data, questions, seed, progress)
        if Need.GRADIENTS in self.needs:
            from sts_eval.study.gradients import read_gradients

            with self.ledger(Need.GRADIENTS):
                gradients = read_gradients(extractor, data, questions, material.tune, seed, progress)
        if Need.PROBE in self.needs:
            from sts_eval.study.short_training import read_probe

            steps = extractor.settings.probe_steps
            with self.ledger(Need.PROBE):
                probe = read_probe(extractor, data, questions, material.tune, steps, seed, progress)
        return Study(
            texts,
            shift=shift,
            activations=activations,
            losses=losses,
            gradients=gradients,
            probe=probe,
            seed=seed,
        )

    def _column(self, one: Predictor, study: Study, material: Material) -> PredictorScores:
        start = time.perf_counter()
        scores = one(study)
        own = time.perf_counter() - start
        strange = set(scores) - set(material.chosen)
        if strange:
            raise UserError(
                f"the predictor {one.name!r} scores {sorted(strange)[0]!r}, which is no domain here",
                "Mend it: its scores are by the domains of study.texts.domains",
            )
        needs = one.needs | ({Need.SHIFT} if Need.ACTIVATIONS in one.needs else set())
        spent = self.ledger.of(needs)
        return PredictorScores(
            name=one.name,
            group=one.group,
            flags=tuple(one.flags),
            summary=one.summary,
            scores={name: Score(value=float(value)) for name, value in scores.items() if math.isfinite(value)},
            seeds=(study.seed,),
            cost=PredictorCost(
                seconds=round(own + spent.seconds, 3),
                tokens=spent.tokens,
                passes=spent.passes,
                backward_passes=spent.backward_passes,
            ),
        )
