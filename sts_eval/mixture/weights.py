"""What the shares of a mixture are in the ratio of: a predictor's scores, or what is known of the changes in points.

A weight stands for how much a domain is expected to suffer. A predictor's score is taken for the expected size of the
change, as the paper takes STS; history, calibrations and measured changes give the expected fall in points, which is
minus the change. What is negative weighs nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sts_eval.analysis.belonging import check_belonging
from sts_eval.analysis.expected_change import expected
from sts_eval.analysis.names import model_name, set_name
from sts_eval.errors import UserError
from sts_eval.records.calibration import Calibration, ExpectedChange
from sts_eval.records.outcome import Outcome
from sts_eval.records.prediction import Prediction
from sts_eval.records.transfer import Transfer
from sts_eval.transfer.domain_changes import trusted_figures

EQUAL, CALIBRATION, HISTORY, DAMAGE = "equal", "calibration", "history", "damage"

BESIDE_PREDICTORS = (EQUAL, CALIBRATION, HISTORY, DAMAGE)


@dataclass(frozen=True)
class Weights:
    """How much each domain is expected to suffer, in any unit.

    Attributes:
        by: Name of what they are.
        meaning: What they stand for, in a sentence.
        scores: By domain; a domain may be missing.
        oracle: Whether they come from the measured change itself.
        notes: What the user should know about them.
    """

    by: str
    meaning: str
    scores: Mapping[str, float]
    oracle: bool = False
    notes: tuple[str, ...] = ()

    def of(self, domain: str) -> float:
        """The weight of a domain: its score, 0 where it is negative or missing."""
        return max(0.0, self.scores.get(domain, 0.0))


@dataclass(frozen=True)
class Evidence:
    """What weights can be made from.

    Attributes:
        prediction: Scores of the untuned model.
        calibration: From scores to points.
        history: Other runs.
        transfer: The change that was measured after fine-tuning on the training set alone.
    """

    prediction: Prediction
    calibration: Calibration | None = None
    history: Sequence[Outcome] = ()
    transfer: Transfer | None = None

    def expected(self) -> dict[str, ExpectedChange]:
        """Expected changes in points by domain; none without a calibration.

        Raises:
            UserError: The calibration does not fit the prediction.
        """
        if self.calibration is None:
            return {}
        return {change.domain: change for change in expected(self.calibration, self.prediction)}

    def weights(self, by: str) -> Weights:
        """The weights of a name.

        Raises:
            UserError: There is no such predictor in the prediction, or what the weights need was not given.
        """
        if by == EQUAL:
            names = [one.domain for one in self.prediction.domains]
            return Weights(by, "Every domain weighs the same.", dict.fromkeys(names, 1.0))
        if by == CALIBRATION:
            return self._by_calibration()
        if by == HISTORY:
            return self._by_history()
        if by == DAMAGE:
            return self._by_damage()
        by_predictor = self.prediction.by_predictor()
        if by not in by_predictor:
            raise UserError(
                f"the prediction has no scores of {by!r}; it has {', '.join(by_predictor)}",
                f"Choose one of these or of {', '.join(BESIDE_PREDICTORS)} with --by, or predict again with "
                "--predictors NAME (`sts-eval list predictors`)",
            )
        meaning = f"The score of {by} is taken for the expected size of the change, whatever its direction."
        return Weights(by, meaning, by_predictor[by], notes=_negative(by, by_predictor[by]))

    def _by_calibration(self) -> Weights:
        changes = self.expected()
        if not changes:
            raise UserError(
                "a calibration is needed to weight by it", "Give a record of `sts-eval calibrate` with --calibration"
            )
        falls = {name: -change.points for name, change in changes.items()}
        return Weights(CALIBRATION, "The expected fall in points, by the calibration.", falls, notes=_rising(falls))

    def _by_history(self) -> Weights:
        if not self.history:
            raise UserError(
                "measured changes of other runs are needed to weight by history",
                "Give run folders or .jsonl files of outcomes with --history",
            )
        own = model_name(self.prediction.model.id), set_name(self.prediction.training_set.source)
        others = [
            run
            for run in self.history
            if run.prediction_sha256 != self.prediction.sha256() and (run.model, run.training_set) != own
        ]
        if not others:
            raise UserError(
                "all runs of --history are of this model and training set, so they are the outcome itself and no "
                "history",
                "Give other runs, or this run's transfer record with --transfer and --by damage",
            )
        changes: dict[str, list[float]] = {}
        for run in others:
            for domain in run.domains:
                changes.setdefault(domain.domain, []).append(domain.accuracy.delta)
        falls = {name: -math.fsum(deltas) / len(deltas) for name, deltas in changes.items()}
        same_set = sum(run.training_set == own[1] for run in others)
        note = f"History is the mean of {len(others)} runs, {same_set} of them on a set of this name."
        meaning = "The mean fall of the domain in other runs, in points."
        return Weights(HISTORY, meaning, falls, notes=(note, *_rising(falls)))

    def _by_damage(self) -> Weights:
        if self.transfer is None:
            raise UserError(
                "the measured change is needed to weight by damage",
                "Give the transfer record of this run with --transfer",
            )
        check_belonging(self.prediction, self.transfer, unrelated=False)
        falls = {change.domain: -change.delta for change in trusted_figures(self.transfer)}
        meaning = "The measured fall of the domain in points, which is known only after fine-tuning (oracle)."
        return Weights(DAMAGE, meaning, falls, oracle=True, notes=_rising(falls))


def _negative(by: str, scores: Mapping[str, float]) -> tuple[str, ...]:
    below = [name for name, score in scores.items() if score < 0]
    return (f"{by} is negative in {', '.join(below)}: these weigh nothing.",) if below else ()


def _rising(falls: Mapping[str, float]) -> tuple[str, ...]:
    rising = [name for name, fall in falls.items() if fall <= 0]
    return (f"No fall in {', '.join(rising)}: these weigh nothing.",) if rising else ()
