"""Curves and contrasts of a zero-ablation: every figure is a difference on the same questions, with its error.

Against none at zero, and predicted features against as many others. Items (questions, or held-out rows) and
replicates are crossed as tuning seeds and questions are in `statistics/seeds.py`. Replicates are the tuning seeds
where there are several, each with the mean over its own draws of random features; else the draws.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sts_eval.errors import UserError
from sts_eval.experiment import AblationSettings
from sts_eval.hindsight.ablation import Ablated, Zeroed
from sts_eval.records.ablation import (
    SET_NAMES,
    Ablation,
    Balance,
    Contrast,
    CurvePoint,
    DomainEffect,
    Effect,
    FeatureSet,
    LevelBefore,
    Measure,
)
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import now
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder, SeedFolder
from sts_eval.records.transfer import Transfer
from sts_eval.records.versions import versions
from sts_eval.statistics.paired import POINTS
from sts_eval.statistics.seeds import mean_change_over_seeds
from sts_eval.study.feature_choice import balance
from sts_eval.transfer.evaluate import Tuned
from sts_eval.transfer.measure import tuned_models

MEASURES: tuple[Measure, ...] = ("target", "logprob", "accuracy")
_UNITS: dict[Measure, tuple[str, str]] = {
    "target": ("the log-probability of held-out answers of the training set", "nats per token"),
    "logprob": ("the log-probability of the right option in the domains", "nats"),
    "accuracy": ("accuracy in the domains", "points"),
}

Floats = NDArray[np.float64]


def read_subject(path: Path) -> tuple[Prediction, list[Tuned]]:
    """The prediction to test and its tuned models: from the record of a prediction (none), or a folder of a run.

    Raises:
        UserError: There is no prediction, or there are several and no report that names one.
    """
    if not path.is_dir():
        return Prediction.read(path), []
    files = RunFolder.of(path)
    found = files.files(Prediction)
    if files.report.is_file():
        prediction = files.record_named(Prediction, Report.read(files.report).prediction_sha256)
    elif len(found) == 1:
        prediction = Prediction.read(found[0])
    else:
        problem = f"{path} holds {len(found)} predictions" + " and no report" * bool(found)
        raise UserError(problem, "Give the file of one prediction" if found else "Run `sts-eval run` first")
    transfers = [Transfer.read(file) for file in files.files(Transfer)]
    followed = [one for one in transfers if one.prediction and one.prediction.prediction_sha256 == prediction.sha256()]
    tunings = [one.tuning for one in followed if one.tuning]
    sweep = RunFolder.of_sweep(path.parent.parent, path.name)
    for tuning in tunings[-1:]:
        for folder in (files.tuning, sweep.tuning):
            if all(SeedFolder(folder / run.folder).facts.is_file() for run in tuning.runs):
                return prediction, tuned_models(tuning, folder)
    return prediction, []


def summarise_ablation(prediction: Prediction, ablated: Ablated, settings: AblationSettings) -> Ablation:
    """All curves, and predicted features against every other set of the same size."""
    values = _Values(ablated)
    seeds = tuple(sorted({one.tuning_seed for one in ablated.cells if one.tuning_seed is not None}))
    models = (False, True) if seeds else (False,)
    sizes = sorted({(one.features, len(one.chosen)) for one in ablated.cells if one.features != "none"}, key=_order)
    counts = sorted({count for _, count in sizes})
    balances = tuple(_balance(ablated, name, count) for name, count in sizes if name != "predicted")
    matched = [one.count for one in balances if one.features == "matched" and one.alike]
    cells = list(ablated.cells.values())
    return Ablation(
        created=now(),
        prediction_sha256=prediction.sha256(),
        model=prediction.model.id,
        training_set=prediction.training_set.source,
        hook_name=ablated.hook_name,
        settings=settings,
        tuning_seeds=seeds,
        n_features=len(ablated.activity.frequency),
        n_live=len(ablated.activity.live),
        headline=max((n for n in matched if n <= prediction.experiment.settings.top_n), default=counts[0]),
        left_out=ablated.left_out,
        questions={name: tuple(one.id for one in own) for name, own in ablated.questions.items()},
        rows=tuple(ablated.rows),
        levels=tuple(_level(values, tuned=tuned) for tuned in models),
        points=tuple(_point(values, name, count, tuned=tuned) for tuned in models for name, count in sizes),
        contrasts=tuple(
            Contrast(
                tuned=tuned,
                count=count,
                against=name,
                measure=measure,
                effect=values.difference((name, count), ("predicted", count), measure, tuned=tuned),
            )
            for tuned in models
            for name, count in sizes
            if name != "predicted"
            for measure in MEASURES
        ),
        balances=balances,
        seconds=round(sum(one.seconds for one in cells), 3),
        versions=versions("sae-lens"),
    )


def conclusions(ablation: Ablation) -> list[str]:
    """Whether predicted features matter more than random ones, by 95% intervals, in sentences: matched ones first."""
    asked: list[tuple[FeatureSet, Measure]] = [("matched", measure) for measure in MEASURES]
    lines = []
    for tuned in (False, True):
        for against, measure in (*asked, ("random", MEASURES[0])):
            found = ablation.contrast(against, ablation.headline, measure, tuned=tuned)
            if found is not None:
                lines.append(_conclusion(found))
    unlike = [one for one in ablation.balances if one.features == "matched" and not one.alike]
    if unlike:
        told = ", ".join(f"{one.activation:.2f} at {one.count}" for one in unlike)
        lines.append(
            "At some counts there are not enough other features that are as active, so that the contrast says little: "
            f"the mean activation of matched features is {told} times that of the predicted ones."
        )
    return lines


def _conclusion(found: Contrast) -> str:
    what, unit = _UNITS[found.measure]
    model, effect = "Tuned model" if found.tuned else "Untuned model", found.effect
    start = f"{model}, {found.count} features at zero, {what}:"
    others = f"{SET_NAMES[found.against]} ones"
    if effect.interval is None:
        return f"{start} predicted features and {others} cannot be compared, since no error is known."
    low, high = effect.interval
    figures = f"{effect.value:+.3g} {unit}, 95% interval {low:+.3g} to {high:+.3g}"
    verdict = "hurt more" if high < 0 else "hurt less" if low > 0 else "are not shown to hurt more"
    return f"{start} predicted features {verdict} than {others} ({figures})."


def _order(size: tuple[FeatureSet, int]) -> tuple[int, int]:
    return list(SET_NAMES).index(size[0]), size[1]


def _level(values: "_Values", *, tuned: bool) -> LevelBefore:
    means = {measure: float(values.rows(("none", 0), measure, tuned=tuned).mean()) for measure in MEASURES}
    return LevelBefore(tuned=tuned, **means)


def _point(values: "_Values", name: FeatureSet, count: int, *, tuned: bool) -> CurvePoint:
    def against_none(measure: Measure, domain: str | None = None) -> Effect:
        return values.difference(("none", 0), (name, count), measure, domain, tuned=tuned)

    return CurvePoint(
        tuned=tuned,
        features=name,
        count=count,
        **{measure: against_none(measure) for measure in MEASURES},
        domains=tuple(
            DomainEffect(
                domain=domain, logprob=against_none("logprob", domain), accuracy=against_none("accuracy", domain)
            )
            for domain in values.domains
        ),
    )


def _balance(ablated: Ablated, name: FeatureSet, count: int) -> Balance:
    predicted = next(one for one in ablated.cells if (one.features, len(one.chosen)) == ("predicted", count))
    chosen = [one.chosen for one in ablated.cells if (one.features, len(one.chosen)) == (name, count)]
    ratios = np.mean([balance(own, predicted.chosen, ablated.activity) for own in chosen], axis=0)
    return Balance(features=name, count=count, frequency=float(ratios[0]), activation=float(ratios[1]))


class _Values:
    """The scores of all cells as arrays."""

    def __init__(self, ablated: Ablated) -> None:
        self._cells = ablated.cells
        self.domains = tuple(ablated.questions)

    def difference(
        self,
        before: tuple[FeatureSet, int],
        after: tuple[FeatureSet, int],
        measure: Measure,
        domain: str | None = None,
        *,
        tuned: bool,
    ) -> Effect:
        """Mean of one set's scores less another's."""
        rows = [self.rows(one, measure, domain, tuned=tuned) for one in (before, after)]
        was, is_now = np.broadcast_arrays(*rows)
        change = mean_change_over_seeds(was, is_now)
        if change.se is not None:
            ends = change.interval and (change.interval.low, change.interval.high)
            return Effect(value=change.delta, se=change.se, interval=ends)
        half = float(stats.t.ppf(0.975, was.shape[1] - 1)) * change.item_se
        ends = (change.delta - half, change.delta + half) if half else None
        return Effect(value=change.delta, se=change.item_se, interval=ends)

    def rows(
        self, zeroed: tuple[FeatureSet, int], measure: Measure, domain: str | None = None, *, tuned: bool
    ) -> Floats:
        """Scores, shape (replicates, items)."""
        by_model: dict[int | None, list[Floats]] = {}
        for one in self._cells:
            if (one.features, len(one.chosen)) == zeroed and (one.tuning_seed is not None) == tuned:
                by_model.setdefault(one.tuning_seed, []).append(self._scores(one, measure, domain))
        models = [np.stack(draws) for draws in by_model.values()]
        return models[0] if len(models) == 1 else np.stack([draws.mean(axis=0) for draws in models])

    def _scores(self, zeroed: Zeroed, measure: Measure, domain: str | None) -> Floats:
        cell = self._cells[zeroed]
        if measure == "target":
            return np.array(cell.target)
        names = [name for name in self.domains if domain in (None, name)]
        if measure == "logprob":
            return np.concatenate([np.array(cell.logprob[name]) for name in names])
        return POINTS * np.array([int(mark) for name in names for mark in cell.right[name]])
