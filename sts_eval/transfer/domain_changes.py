"""From answers to figures: the one place where a domain's change is computed.

Accuracy change and its errors are those of METHOD: paired over questions, McNemar's exact p, and over several
seeds the crossed analysis of variance. An answer without a verdict is wrong.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sts_eval.errors import UserError
from sts_eval.records.answers import Replies
from sts_eval.records.transfer import DomainAnswers, DomainChange, DomainFlag, Form, MeanChange, SeedChange, Transfer
from sts_eval.statistics import change_over_seeds, mean_change_over_seeds, paired_change, paired_mean_change
from sts_eval.statistics.paired import POINTS

ROUNDING = 1e-9  # relative difference between two computations of a figure that rounding explains

NOTABLE_SHARE = 0.02
"""Change in the share of unparsed or truncated answers from which part of an accuracy change is form."""


def summarise(answers: Sequence[DomainAnswers], seeds: Sequence[int]) -> tuple[DomainChange, ...]:
    """The figures of every domain, from its answers alone. `seeds` are those of the tables' `after` sides."""
    return tuple(_domain(table, seeds) for table in answers)


def trusted_figures(transfer: Transfer) -> tuple[DomainChange, ...]:
    """The figures of a record, made again from its answers where they are not what these give.

    Raises:
        UserError: An accuracy, a change or a count contradicts the answers.
    """
    computed = summarise(transfer.answers, transfer.seeds)
    for stated, again in zip(transfer.domains, computed, strict=True):
        for name, value in _counted(again).items():
            said = _counted(stated).get(name)
            if said is None or not _alike(said, value):
                raise UserError(
                    f"the record states {name} of {again.domain} as {said}, and its answers give {value:.6g}",
                    "Give the record as it was written, or measure again",
                )
    pairs = zip(transfer.domains, computed, strict=True)
    return transfer.domains if all(_alike(one.model_dump(), other.model_dump()) for one, other in pairs) else computed


def _alike(one: Any, other: Any) -> bool:
    """Whether two values differ by no more than rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING)
    return bool(one == other)


def _counted(change: DomainChange) -> dict[str, float]:
    """What follows from counting answers alone, whatever the statistics of the version that wrote it."""
    names = ("n", "accuracy_before", "accuracy_after", "delta")
    found = {name: float(getattr(change, name)) for name in names}
    for one in change.by_seed:
        found |= {
            f"{name} of seed {one.seed}": float(getattr(one, name)) for name in ("accuracy_after", "lost", "gained")
        }
    if change.logprob is not None:
        found |= {f"log-probability {name}": getattr(change.logprob, name) for name in ("before", "after", "delta")}
    return found


def _domain(table: DomainAnswers, seeds: Sequence[int]) -> DomainChange:
    was = table.before.right
    changes = [paired_change(was, replies.right) for replies in table.after]
    form_before, form_after = _form([table.before]), _form(table.after)
    first = changes[0]
    delta, paired_se, seed_sd, total_se, interval = first.delta, first.se, None, None, first.interval
    if len(changes) > 1 and first.n > 1:
        crossed = change_over_seeds(was, [replies.right for replies in table.after])
        delta, paired_se, seed_sd, total_se = crossed.delta, crossed.item_se, crossed.seed_sd, crossed.se
        interval = crossed.interval
    flags: dict[DomainFlag, bool] = {
        "small_sample": any("small_sample" in change.flags for change in changes),
        "few_discordant": all("few_discordant" in change.flags for change in changes),
        "unparsed_changed": _moved(form_before.unparsed, form_after.unparsed),
        "truncated_changed": _moved(form_before.truncated, form_after.truncated),
        "only_one_seed": len(changes) == 1,
    }
    return DomainChange(
        domain=table.domain,
        n=first.n,
        accuracy_before=first.accuracy_before,
        accuracy_after=float(np.mean([change.accuracy_after for change in changes])),
        delta=delta,
        paired_se=paired_se,
        seed_sd=seed_sd,
        total_se=total_se,
        interval=None if interval is None else (interval.low, interval.high),
        by_seed=tuple(
            SeedChange(
                seed=seed,
                accuracy_after=change.accuracy_after,
                delta=change.delta,
                se=change.se,
                lost=change.lost,
                gained=change.gained,
                p_mcnemar=change.p_mcnemar,
                logprob_delta=_mean_difference(table.before.logprob, replies.logprob),
                acc_norm_delta=_mean_difference(_points(table.before.acc_norm), _points(replies.acc_norm)),
                logprob_per_token_delta=_mean_difference(table.before.logprob_per_token, replies.logprob_per_token),
                form=_form([replies]),
            )
            for seed, change, replies in zip(seeds, changes, table.after, strict=True)
        ),
        logprob=_mean_change(table.before.logprob, [replies.logprob for replies in table.after]),
        acc_norm=_in_points(
            _mean_change(_points(table.before.acc_norm), [_points(one.acc_norm) for one in table.after])
        ),
        logprob_per_token=_mean_change(
            table.before.logprob_per_token, [replies.logprob_per_token for replies in table.after]
        ),
        form_before=form_before,
        form_after=form_after,
        flags=tuple(flag for flag, holds in flags.items() if holds),
    )


def _mean_difference(before: Sequence[float] | None, after: Sequence[float] | None) -> float | None:
    return None if before is None or after is None else float(np.mean(np.subtract(after, before)))


def _points(marks: str | None) -> list[float] | None:
    """Answers, 1 for right and 0 for wrong, in points."""
    return None if marks is None else [POINTS * (mark == "1") for mark in marks]


def _in_points(change: MeanChange | None) -> MeanChange | None:
    """A change of accuracy, of which all figures are in points, with proportions before and after."""
    return change and change.model_copy(update={"before": change.before / POINTS, "after": change.after / POINTS})


def _mean_change(before: Sequence[float] | None, models: Sequence[Sequence[float] | None]) -> MeanChange | None:
    after = [values for values in models if values is not None]
    if before is None or len(after) < len(models):
        return None
    first = paired_mean_change(before, np.mean(after, axis=0))
    item_se, seed_sd, se = first.se, None, None
    if len(after) > 1 and first.n > 1:
        crossed = mean_change_over_seeds(before, after)
        item_se, seed_sd, se = crossed.item_se, crossed.seed_sd, crossed.se
    return MeanChange(
        before=first.mean_before, after=first.mean_after, delta=first.delta, item_se=item_se, seed_sd=seed_sd, se=se
    )


def _form(models: Sequence[Replies]) -> Form:
    n = len(models[0].verdicts)
    truncated = [replies.n_truncated for replies in models if replies.n_truncated is not None]
    lengths = [replies.mean_length for replies in models if replies.mean_length is not None]
    return Form(
        unparsed=float(np.mean([replies.n_unparsed for replies in models])) / n,
        truncated=float(np.mean(truncated)) / n if len(truncated) == len(models) else None,
        mean_length=float(np.mean(lengths)) if len(lengths) == len(models) else None,
    )


def _moved(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and abs(after - before) >= NOTABLE_SHARE
