"""Whether two scores put the domains in the same order."""

from collections.abc import Mapping

from scipy import stats

FEWEST = 3  # domains without which there is no rank correlation


def rank_correlation(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    """Spearman's correlation over the domains that both score; None where there are too few or all are equal."""
    names = [name for name in one if name in other]
    first, second = ([scores[name] for name in names] for scores in (one, other))
    if len(names) < FEWEST or len(set(first)) == 1 or len(set(second)) == 1:
        return None
    return float(stats.spearmanr(first, second).statistic)
