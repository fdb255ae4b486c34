"""Does the ranking replicate? The best predictor on half of the training sets or models, judged on the other half.

The best of forty predictors is partly the luckiest of forty. Whoever picks it from a table will use it on other sets or
models, so the pick is made on one half and judged on the other, over all splits. Its value there stands between that
of the best of that half, which nobody knows beforehand, and that of a predictor named without looking.

A split needs two sets or models in each half: of one alone, everything peculiar to it would count as replication or
its lack. Splits overlap, so their number is no sample size, and the figures have no interval.
"""

import itertools
import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sts_eval.analysis.aligned_runs import HOME, AlignedRuns, Floats
from sts_eval.analysis.judged import ComparisonSettings, judged_outcome, standing_of
from sts_eval.errors import UserError
from sts_eval.records.comparison import AWAY, FixedChoice, Replication, Split, Table, Winner
from sts_eval.statistics.placebo import OwnAndOther
from sts_eval.statistics.resampling import ROUNDING
from sts_eval.statistics.within_runs import average, jointly_present, matrices, resampled_correlations

FEWEST = 4  # sets or models to split
NAMED_BEFOREHAND = ("sts_icl", "tfidf_cosine")  # choices made without looking, beside the reference


def check_split(runs: AlignedRuns, split: Split) -> None:
    """Refuse to split too few.

    Raises:
        UserError: There are fewer than 4 of them.
    """
    counts: dict[Split, int] = {"sets": len(runs.training_sets), "models": len(runs.models)}
    if counts[split] >= FEWEST:
        return
    other: Split = "models" if split == "sets" else "sets"
    raise UserError(
        f"{counts[split]} {split} cannot be split: each half needs 2, so {FEWEST} are needed",
        f"Give --split {other}" if counts[other] >= FEWEST else "Add runs, or leave out --split",
    )


def replication(table: Table, runs: AlignedRuns, split: Split, settings: ComparisonSettings) -> Replication | None:
    """Choose on every half and judge on the other, by what the table ranks by; None where fewer than two are defined.

    Where there are more splits than `settings.n_resamples`, that many are drawn.
    """
    labels = runs.set_of if split == "sets" else runs.model_of
    chosen_from, complete = _halves(len(np.unique(labels)), settings.n_resamples, settings.seed)
    halves = np.concatenate([chosen_from, ~chosen_from])[:, labels].astype(np.float64)
    outcome = judged_outcome(table.question, runs, table.measure)
    candidates = {
        name: one.scores
        for name, one in runs.predictors.items()
        if standing_of(one) == "ranked" and not (table.question in AWAY and one.group == HOME)
    }
    found = {name: _values(scores, outcome, runs, halves, table.ranked_by) for name, scores in candidates.items()}
    known = {name: values for name, values in found.items() if values is not None and np.isfinite(values).all()}
    if len(known) < 2:  # noqa: PLR2004 - to choose among
        return None
    names = list(known)
    first, second = np.split(np.array(list(known.values())), 2, axis=1)  # (n_candidates, n_splits) each
    n_splits = first.shape[1]
    winner, every = first.argmax(axis=0), np.arange(n_splits)
    ranks = 1 + (second[None] > second[:, None] + ROUNDING).sum(axis=1)
    rho = [float(stats.spearmanr(first[:, one], second[:, one]).statistic) for one in every]
    fixed = [name for name in dict.fromkeys((settings.reference, *NAMED_BEFOREHAND)) if name in known]
    return Replication(
        question=table.question,
        measure=table.measure,
        split=split,
        ranked_by=table.ranked_by,
        n_splits=n_splits,
        complete=complete,
        n_candidates=len(names),
        left_out=tuple(name for name in candidates if name not in known),
        won_again=float((ranks[winner, every] == 1).mean()),
        rank=float(ranks[winner, every].mean()),
        value=float(second[winner, every].mean()),
        best=float(second.max(axis=0).mean()),
        agreement=None if np.isnan(rho).any() else float(np.mean(rho)),
        fixed=tuple(
            FixedChoice(
                name=name,
                value=float(second[names.index(name)].mean()),
                rank=float(ranks[names.index(name)].mean()),
            )
            for name in fixed
        ),
        winners=tuple(
            Winner(name=names[place], n_splits=times) for place, times in Counter(winner.tolist()).most_common()
        ),
    )


def _halves(n: int, most: int, seed: int) -> tuple[NDArray[np.bool_], bool]:
    """What is chosen on, shape (n_splits, n), and whether these are all splits into halves; odd numbers both ways."""
    sizes = sorted({n // 2, n - n // 2})
    if sum(math.comb(n, size) for size in sizes) <= most:
        picked = [one for size in sizes for one in itertools.combinations(range(n), size)]
        return np.array([np.isin(np.arange(n), one) for one in picked]), True
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((most, n)), axis=1)
    return order < rng.choice(sizes, size=(most, 1)), False


def _values(scores: Floats, outcome: Floats, runs: AlignedRuns, halves: Floats, ranked_by: str) -> Floats | None:
    """What a predictor is worth in every half, shape (n_halves,); None where some run's r is undefined.

    Where placebos are asked for, predictions for sets of the other half are among them; their changes are not used.
    """
    x, y = jointly_present(*matrices(scores, outcome))
    once = np.ones((1, x.shape[1]))
    r, n = resampled_correlations(x, y, once)
    if np.isnan(r).any():
        return None
    if ranked_by == "r":
        return average(r, n, halves)
    own, other = OwnAndOther(outcome, runs.units, halves, once).correlate(scores)
    return own - other
