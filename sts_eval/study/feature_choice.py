"""Sets of features to compare: predicted ones, and controls that are as many.

    predicted     the N features that demonstrations of the training set move most (equation 3)
    most active   the N with the highest mean activation
    random        N drawn from all live ones; most of them hardly ever fire, so doing something to them does little
    matched       N live ones that are as active as the predicted, none of which is among them

A feature is live if it fires on a question token of the training set, read without demonstrations. Frequency (share
of tokens on which it fires) and mean activation are of these tokens too; a question counts once.

Matching: for each predicted feature, the most shifted first, one is drawn from the 3 nearest live features that are
neither predicted nor drawn yet. The distance is Euclidean in log₂ frequency and log₂ mean activation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import generator
from sts_eval.data.training_set import TrainingSet
from sts_eval.progress import Progress, silent
from sts_eval.study.activations import ActivationMoments
from sts_eval.study.extractor import Extractor
from sts_eval.study.shifted_features import Shift, measure_shift, top

Choice = Literal["predicted", "most_active", "random", "matched"]
DRAWN = ("random", "matched")  # choices that differ from draw to draw
NEAREST = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureActivity:
    """Every feature on the training set's questions, each array of shape (d_sae,)."""

    shift: Floats  # mean squared change under demonstrations
    frequency: Floats  # share of tokens on which it fires, without demonstrations
    mean: Floats  # mean activation there

    @property
    def live(self) -> NDArray[np.intp]:
        """The live features."""
        return np.flatnonzero(self.frequency > 0)


def read_activity(
    extractor: Extractor, training_set: TrainingSet, seed: int, progress: Progress = silent
) -> tuple[Shift, FeatureActivity]:
    """Read the training set's questions as step 1 of STS does, and keep what every feature does.

    Raises:
        UserError: The set has too few rows, or a question exceeds the context.
    """
    heard: list[ActivationMoments] = []

    def listen(turns: Mapping[int, Turn]) -> list[ActivationMoments]:
        heard.append(ActivationMoments(turns, "training set"))
        return heard

    shift = measure_shift(extractor, training_set, seed, progress, listen)
    moments = heard[0].moments()
    return shift, FeatureActivity(shift.score, moments.frequency, moments.feature)


def choose_features(
    choice: Choice, n: int, activity: FeatureActivity, *, seed: int = 0, draw: str = ""
) -> tuple[int, ...]:
    """A set of n features. The seed, and the name of the draw, matter to `random` and `matched` only.

    Raises:
        ValueError: There are fewer such features.
    """
    if n > n_possible(choice, activity):
        raise ValueError(f"there are no {n} features to choose as {choice}")
    predicted = top(activity.shift, n)
    if choice == "predicted":
        chosen = predicted
    elif choice == "most_active":
        chosen = top(activity.mean, n)
    elif choice == "random":
        chosen = generator(seed, choice, str(n), draw).permutation(activity.live)[:n]
    else:
        chosen = np.array(_matched(predicted, activity, generator(seed, choice, str(n), draw)))
    return tuple(map(int, chosen))


def n_possible(choice: Choice, activity: FeatureActivity) -> int:
    """The largest set that a choice can make: all live features, or for `matched` half of them."""
    n_live, n_all = len(activity.live), len(activity.frequency)
    if choice != "matched":
        return n_live
    live_and_predicted = np.cumsum(activity.frequency[top(activity.shift, n_all)] > 0)
    return int((n_live - live_and_predicted >= np.arange(1, n_all + 1)).sum())  # true up to some n, then false


def balance(chosen: Sequence[int], reference: Sequence[int], activity: FeatureActivity) -> tuple[float, float]:
    """How active a set is as a multiple of another: mean frequency, and mean activation."""
    ours, theirs = list(chosen), list(reference)
    frequency, mean = (values[ours].mean() / values[theirs].mean() for values in (activity.frequency, activity.mean))
    return float(frequency), float(mean)


def _matched(wanted: NDArray[np.intp], activity: FeatureActivity, rng: np.random.Generator) -> list[int]:
    free = np.setdiff1d(activity.live, wanted)
    places = np.stack([_octaves(activity.frequency), _octaves(activity.mean)], axis=1)
    drawn = []
    for feature in wanted:
        distance = np.square(places[free] - places[feature]).sum(axis=1)
        nearest = np.argsort(distance, kind="stable")[:NEAREST]
        at = int(rng.choice(nearest))
        drawn.append(int(free[at]))
        free = np.delete(free, at)
    return drawn


def _octaves(values: Floats) -> Floats:
    """log₂; what is zero counts as half the smallest value above it."""
    octaves: Floats = np.log2(np.maximum(values, values[values > 0].min() / 2))
    return octaves
