"""From answers to figures: the one place where a domain's change is computed.

Accuracy change and its errors are those of METHOD: paired over questions, McNemar's exact p, and over several
seeds the crossed analysis of variance. An answer without a verdict is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sts_eval.errors import UserError
from sts_eval.records.answers import Replies
from sts_eval.records.transfer import (
    DomainAnswers,
    DomainChange,
    DomainFlag,
    Form,
    MeanChange,
    SeedChange,
    Transfer,
)
from sts_eval.statistics import (
    change_over_seeds,
    mean_change_over_seeds,
    paired_change,
    paired_mean_change,
)

NOTABLE_SHARE = 0.02
"""Change in the share of unparsed or truncated answers from which part of an accuracy change is form."""

AGREES = 1e-9
"""Relative difference between two computations of a figure that rounding explains."""


def summarise(answers: Sequence[DomainAnswers], seeds: Sequence[int]) -> tuple[DomainChange, ...]:
    """The figures of every domain, from its answers alone.

    Args:
        answers: One table per domain.
        seeds: The seed behind each tuned column.
    """
    return tuple(_domain(table, seeds) for table in answers)


def check(transfer: Transfer) -> None:
    """See whether a record's figures follow from its answers.

    Raises:
        UserError: They do not: the record was changed by hand or made by something else.
    """
    again = summarise(transfer.answers, transfer.seeds)
    for stored, made in zip(transfer.domains, again, strict=True):
        if not _alike(stored.model_dump(), made.model_dump()):
            raise UserError(
                f"the figures of {stored.domain} do not follow from the answers in the record",
                "Make the record again rather than change it",
            )


def _domain(table: DomainAnswers, seeds: Sequence[int]) -> DomainChange:
    was = table.before.right
    by_seed = tuple(_seed(seed, table.before, replies) for seed, replies in zip(seeds, table.after, strict=True))
    pooled = paired_change(was, table.after[0].right)
    delta, paired_se, seed_sd, total_se, interval = pooled.delta, pooled.se, None, None, pooled.interval
    if len(table.after) > 1 and pooled.n > 1:
        crossed = change_over_seeds(was, [replies.right for replies in table.after])
        delta, paired_se, seed_sd, total_se = crossed.delta, crossed.item_se, crossed.seed_sd, crossed.se
        interval = crossed.interval
    return DomainChange(
        domain=table.domain,
        n=pooled.n,
        accuracy_before=pooled.accuracy_before,
        accuracy_after=float(np.mean([change.accuracy_after for change in by_seed])),
        delta=delta,
        paired_se=paired_se,
        seed_sd=seed_sd,
        total_se=total_se,
        interval=None if interval is None else (interval.low, interval.high),
        by_seed=by_seed,
        logprob=_logprob(table),
        form_before=_form([table.before]),
        form_after=_form(table.after),
        flags=_flags(table),
    )


def _seed(seed: int, before: Replies, after: Replies) -> SeedChange:
    change = paired_change(before.right, after.right)
    logprob = None
    if before.logprob is not None and after.logprob is not None:
        logprob = float(np.mean(np.subtract(after.logprob, before.logprob)))
    return SeedChange(
        seed=seed,
        accuracy_after=change.accuracy_after,
        delta=change.delta,
        se=change.se,
        lost=change.lost,
        gained=change.gained,
        p_mcnemar=change.p_mcnemar,
        logprob_delta=logprob,
        form=_form([after]),
    )


def _logprob(table: DomainAnswers) -> MeanChange | None:
    before = table.before.logprob
    after = [replies.logprob for replies in table.after if replies.logprob is not None]
    if before is None or len(after) < len(table.after):
        return None
    first = paired_mean_change(before, np.mean(after, axis=0))
    item_se, seed_sd, se = first.se, None, None
    if len(after) > 1 and first.n > 1:
        crossed = mean_change_over_seeds(before, after)
        item_se, seed_sd, se = crossed.item_se, crossed.seed_sd, crossed.se
    return MeanChange(
        before=first.mean_before,
        after=first.mean_after,
        delta=first.delta,
        item_se=item_se,
        seed_sd=seed_sd,
        se=se,
    )


def _form(models: Sequence[Replies]) -> Form:
    n = len(models[0].verdicts)
    truncated = [replies.n_truncated for replies in models if replies.n_truncated is not None]
    lengths = [replies.mean_length for replies in models if replies.mean_length is not None]
    known = len(truncated) == len(models)
    return Form(
        unparsed=float(np.mean([replies.n_unparsed for replies in models])) / n,
        truncated=float(np.mean(truncated)) / n if known else None,
        mean_length=float(np.mean(lengths)) if len(lengths) == len(models) else None,
    )


def _flags(table: DomainAnswers) -> tuple[DomainFlag, ...]:
    flags: list[DomainFlag] = []
    changes = [paired_change(table.before.right, replies.right) for replies in table.after]
    if any("small_sample" in change.flags for change in changes):
        flags.append("small_sample")
    if all("few_discordant" in change.flags for change in changes):
        flags.append("few_discordant")
    before, after = _form([table.before]), _form(table.after)
    if abs(after.unparsed - before.unparsed) >= NOTABLE_SHARE:
        flags.append("unparsed_changed")
    if (
        before.truncated is not None
        and after.truncated is not None
        and abs(after.truncated - before.truncated) >= NOTABLE_SHARE
    ):
        flags.append("truncated_changed")
    if len(table.after) == 1:
        flags.append("only_one_seed")
    return tuple(flags)


def _alike(one: Any, other: Any) -> bool:
    """Whether two dumps are equal up to rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=AGREES, abs_tol=AGREES)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)
