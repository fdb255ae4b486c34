"""How far a tuning moves the domains that it is not meant for, against LoRA or full fine-tuning at equal gain.

The gain is that of the log-probability of held-out rows of the training set. The other domains are all but the training
set's home; how far a tuned seed moves them is the mean size of their changes. The size of a change holds the noise of
the questions, which interpolation makes smaller for the tuning that gained more; so the difference errs in its favour.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Literal, NamedTuple

import numpy as np

from sts_eval.analysis.wording import counted
from sts_eval.records.paper_answer import Measured
from sts_eval.records.transfer import Transfer
from sts_eval.reproduction.correlations import Measure
from sts_eval.reproduction.evidence import SUPERVISED, Evidence, FinishedRun
from sts_eval.reproduction.interventions import over

Change = Literal["logprob_delta", "delta"]
"""What a domain's change is measured in: log-probability of the right option in nats, or accuracy in points."""


class Moved(NamedTuple):
    """What one tuned seed did."""

    gain: float  # on held-out rows of the training set, nats per token
    others: float  # mean size of the other domains' changes


def others_moved_less(change: Change) -> Measure:
    """How far supervised tuning moves the other domains where it gained as much, less how far predicted features do.

    By model, training set and tuned seed; only where supervised tuning gained at least as much.
    """

    def measure(evidence: Evidence) -> Measured | None:
        curves: dict[tuple[str, str, int], list[Moved]] = {}
        for run in evidence.tuned_by(*SUPERVISED):
            for key, one in _moved(run, change).items():
                curves.setdefault(key, []).append(one)
        pairs = [
            (equal, one)
            for run in evidence.tuned_by("features")
            if run.chosen == "predicted"
            for key, one in _moved(run, change).items()
            for equal in [at_gain(one.gain, curves.get(key, ()))]
            if equal is not None
        ]
        if not pairs:
            return None
        gain, own = fmean(one.gain for _, one in pairs), fmean(one.others for _, one in pairs)
        equal = fmean(at for at, _ in pairs)
        ratio = f", {own / gain:.3g} against {equal / gain:.3g} per nat of gain" if gain > 0 else ""
        basis = (
            f"{counted(len(pairs), 'pair')} of tuned seeds; other domains move {own:.3g} by predicted features, "
            f"{equal:.3g} by supervised tuning at the same gain of {gain:.3g}{ratio}"
        )
        return over([equal - one.others for equal, one in pairs], basis)

    return measure


def at_gain(gain: float, curve: Sequence[Moved]) -> float | None:
    """How far a tuning moves the other domains at a gain: linear from no training on, None beyond its largest gain."""
    x, y = zip(*sorted([(0.0, 0.0), *curve]), strict=True)
    return float(np.interp(gain, x, y)) if curve and 0 <= gain <= x[-1] else None


def _moved(run: FinishedRun, change: Change) -> dict[tuple[str, str, int], Moved]:
    """By model, training set and seed; empty without a tuning, a home, another domain or such a measure."""
    prediction, tuning = run.prediction, run.tuning
    home = prediction.experiment.training_set.home
    if tuning is None or not home:
        return {}
    found = {}
    for training in tuning.runs:
        changes = _changes(run.transfer, training.seed, change, home)
        if changes:
            key = prediction.model.id, prediction.training_set.sha256, training.seed
            found[key] = Moved(training.loss_before - training.loss_after, fmean(map(abs, changes)))
    return found


def _changes(transfer: Transfer, seed: int, change: Change, home: Sequence[str]) -> list[float]:
    """Changes of the domains outside the home by one seed; empty where one is not known."""
    others = [domain for domain in transfer.domains if domain.domain not in home]
    found = [getattr(one, change) for domain in others for one in domain.by_seed if one.seed == seed]
    return [] if None in found else found
