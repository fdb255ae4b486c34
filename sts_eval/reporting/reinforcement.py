"""What reinforcement learning did, as cells of tables."""

import math
from collections.abc import Sequence
from statistics import fmean, variance

from sts_eval.records.tuning import Reinforcement

TITLE = "What reinforcement learning did, by tuned seed"
HEADER = ("reward", "change ± SE", "KL ± SE", "cut", "cut, train", "reward, train", "silent", "solutions")
NOTE = (
    "Reward: mean of answers sampled to held-out rows at the temperature of training, untuned → tuned; SE over rows, "
    "paired. KL: tuned from untuned model, nats per token of the tuned model's answers. Cut: share of its answers that "
    "ran into the limit. Train: in training; its reward is over the first and the last twentieth of the steps. "
    "Silent: share of questions whose answers all had one reward. Solutions: reward of the held-out rows' solutions."
)


def reinforcement_rows(seeds: Sequence[Reinforcement]) -> list[list[str]]:
    """A row for each tuned seed."""
    return [
        [
            *reinforcement_cells([one]),
            f"{one.cut_training:.0%}",
            f"{one.reward_first:.3f} → {one.reward_last:.3f}",
            f"{one.silent:.0%}",
            f"{one.solutions_reward:.2f}",
        ]
        for one in seeds
    ]


def reinforcement_cells(seeds: Sequence[Reinforcement]) -> list[str]:
    """Reward, its change, divergence and cut answers, means over seeds; dashes where there are none.

    All seeds have the same held-out rows, so their errors over rows are one error. The spread of several seeds is
    added to it.
    """
    if not seeds:
        return ["–"] * 4
    change = _with_error([one.reward_change for one in seeds], [one.reward_change_se for one in seeds], "+.3f")
    return [
        f"{fmean(one.reward_before for one in seeds):.3f} → {fmean(one.reward_after for one in seeds):.3f}",
        change,
        _with_error([one.kl for one in seeds], [one.kl_se for one in seeds], ".3f"),
        f"{fmean(one.cut_after for one in seeds):.0%}",
    ]


def _with_error(values: Sequence[float], errors: Sequence[float | None], form: str) -> str:
    known = [error for error in errors if error is not None]
    mean = f"{fmean(values):{form}}"
    if len(known) < len(errors):
        return mean
    spread = variance(values) / len(values) if len(values) > 1 else 0.0
    return f"{mean} ± {math.sqrt(fmean(error**2 for error in known) + spread):.3f}"
