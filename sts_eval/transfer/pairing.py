"""Joining before with after, question by question.

The join key is domain and question id. What one side lacks is counted and left out; what makes a comparison
meaningless (a question twice, two right answers, much missing) is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.errors import UserError
from sts_eval.records.answers import DomainEvaluation, Replies
from sts_eval.records.transfer import DomainAnswers

MOST_MISSING = 0.1
"""Largest share of questions that may be in one side only."""


class Answer(NamedTuple):
    """One model's answer to one question.

    Attributes:
        domain: The question's category.
        question_id: The benchmark's own id.
        target: The right answer, as the evaluation writes it.
        verdict: r right, w wrong, u unparsed.
        logprob: Log-probability of the right option, normalised over options, in nats.
        length: Length of the generated answer.
        truncated: Whether it ran into its limit.
        prompt_hash: Fingerprint of what the model was asked.
    """

    domain: str
    question_id: str
    target: str
    verdict: str
    logprob: float | None = None
    length: int | None = None
    truncated: bool | None = None
    prompt_hash: str | None = None


@dataclass(frozen=True)
class Side:
    """One model's results as they were found in files.

    Attributes:
        model: Its name, as the files or the folder name it.
        answers: One per question.
        files: What was read.
        warnings: What a reader should know.
    """

    model: str
    answers: list[Answer]
    files: list[Path]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairing:
    """Before and after, joined.

    Attributes:
        domains: One table per domain, by name, questions in the order of the before side.
        only_before: Questions that some tuned side lacks.
        only_after: Questions that the before side lacks.
        prompts_differ: Questions that were put in different words before and after.
    """

    domains: tuple[DomainAnswers, ...]
    only_before: int
    only_after: int
    prompts_differ: int


def pair(before: Sequence[Answer], after: Sequence[Sequence[Answer]]) -> Pairing:
    """Join one untuned side with one or more tuned ones.

    Args:
        before: The untuned model's answers.
        after: The tuned models' answers, one sequence per seed.

    Raises:
        UserError: A question occurs twice in one side, sides disagree on its right answer, or more than a
            tenth of all questions are not in every side.
    """
    was = _by_key(before, "before")
    tuned = [_by_key(answers, "after") for answers in after]
    everywhere = set(was).intersection(*tuned)
    anywhere = set(was).union(*tuned)
    if len(anywhere) - len(everywhere) > MOST_MISSING * len(anywhere):
        raise UserError(
            f"{len(anywhere) - len(everywhere)} of {len(anywhere)} questions are not both before and after",
            "Evaluate both models on the same questions",
        )
    by_domain: dict[str, list[tuple[str, str]]] = {}
    prompts_differ = 0
    for key, answer in was.items():
        if key not in everywhere:
            continue
        by_domain.setdefault(answer.domain, []).append(key)
        same_question = [answer, *(side[key] for side in tuned)]
        for other in same_question:
            if other.target != answer.target:
                raise UserError(
                    f"question {answer.question_id} of {answer.domain} has the right answer {answer.target!r} before "
                    f"and {other.target!r} after",
                    "Evaluate both models on the same version of the benchmark",
                )
        prompts_differ += len({one.prompt_hash for one in same_question if one.prompt_hash is not None}) > 1
    domains = [
        DomainAnswers(
            domain=name,
            question_ids=tuple(identity for _, identity in keys),
            before=replies([was[key] for key in keys]),
            after=tuple(replies([side[key] for key in keys]) for side in tuned),
        )
        for name, keys in sorted(by_domain.items())
    ]
    return Pairing(
        domains=tuple(domains),
        only_before=len(was) - len(everywhere),
        only_after=len(anywhere) - len(was),
        prompts_differ=prompts_differ,
    )


def replies(answers: Sequence[Answer]) -> Replies:
    """Answers as columns. A column that some answer lacks is left out whole."""

    def column(name: str) -> list[Any] | None:
        values = [getattr(answer, name) for answer in answers]
        return values if values and None not in values else None

    logprobs, lengths, truncated = (column(name) for name in ("logprob", "length", "truncated"))
    return Replies(
        verdicts="".join(answer.verdict for answer in answers),
        logprob=None if logprobs is None else tuple(round(value, 6) for value in logprobs),
        lengths=None if lengths is None else tuple(lengths),
        truncated=None if truncated is None else "".join("01"[cut] for cut in truncated),
    )


def evaluated(answers: Sequence[Answer]) -> tuple[DomainEvaluation, ...]:
    """One model's answers as tables, domain by domain."""
    by_domain: dict[str, list[Answer]] = {}
    for answer in answers:
        by_domain.setdefault(answer.domain, []).append(answer)
    return tuple(
        DomainEvaluation(
            domain=name,
            question_ids=tuple(answer.question_id for answer in rows),
            targets=tuple(answer.target for answer in rows),
            replies=replies(rows),
        )
        for name, rows in sorted(by_domain.items())
    )


def answers_of(tables: Sequence[DomainEvaluation]) -> list[Answer]:
    """The inverse of `evaluated`; fingerprints of prompts are not kept there."""
    answers = []
    for table in tables:
        kept = table.replies
        unknown = [None] * len(kept.verdicts)
        truncated = unknown if kept.truncated is None else [mark == "1" for mark in kept.truncated]
        columns = (table.question_ids, table.targets, kept.verdicts, kept.logprob or unknown, kept.lengths or unknown)
        answers += [Answer(table.domain, *row) for row in zip(*columns, truncated, strict=True)]
    return answers


def _by_key(answers: Sequence[Answer], side: str) -> dict[tuple[str, str], Answer]:
    if not answers:
        raise UserError(f"there are no answers {side}", "Check that the evaluation saved its samples")
    counts = Counter((answer.domain, answer.question_id) for answer in answers)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        domain, identity = twice[0]
        raise UserError(
            f"{len(twice)} questions occur more than once {side}, such as {identity} of {domain}",
            "Give each question one answer",
        )
    return {(answer.domain, answer.question_id): answer for answer in answers}
