"""What a comparison is asked, the outcome that predictors are judged on, and which of them compete."""

from typing import NamedTuple

import numpy as np

from sts_eval.analysis.aligned_runs import AlignedRuns, AlignedScores, Changes, Floats
from sts_eval.records.comparison import AWAY, SIZE, Measure, Question, Standing


class ComparisonSettings(NamedTuple):
    """What a comparison can be asked."""

    reference: str  # the predictor that others are compared with
    n_resamples: int  # of every bootstrap and permutation
    seed: int
    single: bool  # whether a single run gets the figures that only one run has
    level: float = 0.95  # coverage of every interval


def outcome_of(question: Question, changes: Changes) -> Floats:
    """What tuning changed, as a question takes it, shape (n_runs, n_domains)."""
    if question in SIZE:
        return changes.magnitude if question == "how_much" else changes.noise_taken_off
    return changes.change


def judged_outcome(question: Question, runs: AlignedRuns, measure: Measure) -> Floats:
    """The outcome that predictors are judged on, shape (n_runs, n_domains): NaN in home domains where left out."""
    outcome = outcome_of(question, runs.measures[measure])
    return np.where(runs.home, np.nan, outcome) if question in AWAY else outcome


def standing_of(one: AlignedScores) -> Standing:
    """Whether a predictor competes, is a baseline, or has seen the tuned model."""
    if "O" in one.flags:
        return "oracle"
    return "history" if one.group in ("history", "null") else "ranked"
