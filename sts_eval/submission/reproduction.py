"""How a run of a submission's experiment compares with the submission.

It is reproduced if

- model shape, SAE weights, training set and benchmark are the same, by their hashes;
- each predictor has the same scores: no domain differs by more than `TOLERANCE` of the scores' spread over domains.
  Kernels and number formats of other hardware move scores by far less; other data, settings or a score that was made up
  move them by more. Predictors that train (flag P) and oracles follow from a tuning and are not compared;
- the changes agree within their errors, as those of a rerun do (`sts_eval.submission.rerun`). On the same hardware the
  same seeds give the same tuning, so they agree exactly.
"""

import numpy as np

from sts_eval.records.ledger import ReproductionFigures
from sts_eval.records.prediction import Prediction, PredictorScores
from sts_eval.records.submission import Submission
from sts_eval.submission.rerun import compare_runs

TOLERANCE = 0.05  # of the spread of a predictor's scores over domains
_NOT_COMPARED = {"O", "P"}


def compare_reproduction(submission: Submission, again: Submission) -> ReproductionFigures:
    """Hold a new run of the same experiment, with its evidence, against the submission."""
    made, mine = submission.prediction, again.prediction
    theirs = {one.name: one for one in (made or submission.outcome).predictors}
    ours = {one.name: one for one in again.outcome.predictors}
    asked = [one for one in theirs.values() if not _NOT_COMPARED & set(one.flags)]
    obstacles = list(_identities(made, mine)) if made is not None and mine is not None else []
    largest, missing = 0.0, []
    for one in asked:
        if one.name not in ours:
            missing.append(one.name)
            continue
        difference = _difference(one, ours[one.name])
        if difference > TOLERANCE:
            obstacles.append(f"{one.name} differs by {difference:.2g} of its spread over domains")
        largest = max(largest, difference)
    if missing:
        obstacles.append(f"the new run lacks {', '.join(missing[:5])}")
    agreement = compare_runs(submission, again)
    return ReproductionFigures(
        agrees=not obstacles and agreement.agrees,
        obstacles=tuple(one[:1000] for one in (*obstacles, *agreement.obstacles)),
        score_difference=min(largest, 1e9),
        score_tolerance=TOLERANCE,
        n_predictors=len(asked) - len(missing),
        z={name: float(np.clip(z, -1e9, 1e9)) for name, z in agreement.z.items()},
        p=agreement.p,
        transfer_sha256=again.outcome.transfer_sha256,
        versions=again.provenance.versions,
        hardware=again.provenance.hardware,
    )


def _identities(made: Prediction, mine: Prediction) -> list[str]:
    """What is not the same thing, by its hash."""

    def stated(one: Prediction) -> dict[str, object]:
        return {
            "model's shape": (one.model.architecture, one.model.d_model, one.model.n_layers),
            "the SAE's weights": one.sae.weights_sha256,
            "rows of the training set": one.training_set.sha256,
            "questions of the benchmark": one.benchmark.sha256,
        }

    ours = stated(mine)
    return [f"not the same {what}" for what, value in stated(made).items() if ours[what] != value]


def _difference(one: PredictorScores, other: PredictorScores) -> float:
    """Largest difference of a domain's score, in spreads over domains; infinite where the domains differ."""
    mine, theirs = one.values, other.values
    if mine.keys() != theirs.keys():
        return float("inf")
    values = np.array(list(mine.values()))
    differences = np.abs(values - np.array([theirs[name] for name in mine]))
    if not differences.size or not differences.max() > 0:
        return 0.0
    spread = float(values.std()) or float(np.abs(values).max())
    return float(differences.max()) / spread if spread else float("inf")
