"""Joining before with after, question by question.

The join key is domain and question id. What one side lacks is counted and left out; what makes a comparison
meaningless (a question twice, two right answers, much missing) is an error.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.errors import UserError
from sts_eval.records.answers import DomainEvaluation, Replies
from sts_eval.records.transfer import DomainAnswers

MOST_MISSING = 0.1  # largest share of questions that may be in one side only


class Answer(NamedTuple):
    """One model's answer to one question."""

    domain: str  # the question's category
    question_id: str  # the benchmark's own
    target: str  # the right answer, as the evaluation writes it
    verdict: str  # r right, w wrong, u unparsed
    logprob: float | None = None  # of the right option, normalised over options, in nats
    length: int | None = None  # of the generated answer
    truncated: bool | None = None  # whether it ran into its limit
    prompt_hash: str | None = None  # of what the model was asked
    acc_norm: bool | None = None  # whether the option that is likeliest per character is right
    logprob_per_token: float | None = None  # of the right option's own text, in nats


@dataclass(frozen=True)
class Side:
    """One model's results as they were found in files."""

    model: str  # as the files or the folder name it
    answers: list[Answer]
    files: list[Path]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairing:
    """Before and after, joined."""

    domains: tuple[DomainAnswers, ...]  # sorted by name; questions in the order of the before side
    only_before: int  # questions that some tuned side lacks
    only_after: int  # questions that the before side lacks
    prompts_differ: int  # questions that were put in different words before and after


def pair(before: Sequence[Answer], after: Sequence[Sequence[Answer]]) -> Pairing:
    """Join the untuned model's answers with those of the tuned ones, one sequence per seed.

    Raises:
        UserError: A question occurs twice, sides disagree on its right answer, or more than a tenth are not in all.
    """
    was, tuned = _by_key(before, "before"), [_by_key(answers, "after") for answers in after]
    everywhere, anywhere = set(was).intersection(*tuned), set(was).union(*tuned)
    if len(anywhere) - len(everywhere) > MOST_MISSING * len(anywhere):
        raise UserError(
            f"{len(anywhere) - len(everywhere)} of {len(anywhere)} questions are not both before and after",
            "Evaluate both models on the same questions",
        )
    kept = [answer for key, answer in was.items() if key in everywhere]
    prompts_differ = 0
    for answer in kept:
        same_question = [answer, *(side[answer[:2]] for side in tuned)]
        for other in same_question:
            if other.target != answer.target:
                raise UserError(
                    f"question {answer.question_id} of {answer.domain} has the right answer {answer.target!r} before "
                    f"and {other.target!r} after",
                    "Evaluate both models on the same version of the benchmark",
                )
        prompts_differ += len({one.prompt_hash for one in same_question if one.prompt_hash is not None}) > 1
    domains = tuple(
        DomainAnswers(
            domain=name,
            question_ids=tuple(answer.question_id for answer in rows),
            before=replies(rows),
            after=tuple(replies([side[answer[:2]] for answer in rows]) for side in tuned),
        )
        for name, rows in _by_domain(kept)
    )
    return Pairing(domains, len(was) - len(everywhere), len(anywhere) - len(was), prompts_differ)


def replies(answers: Sequence[Answer]) -> Replies:
    """Answers as columns. A column that some answer lacks is left out whole."""

    def column(name: str) -> list[Any] | None:
        values = [getattr(answer, name) for answer in answers]
        return values if values and None not in values else None

    logprobs, lengths, truncated = (column(name) for name in ("logprob", "length", "truncated"))
    normalised, per_token = column("acc_norm"), column("logprob_per_token")
    return Replies(
        verdicts="".join(answer.verdict for answer in answers),
        logprob=None if logprobs is None else tuple(round(value, 6) for value in logprobs),
        acc_norm=None if normalised is None else "".join("01"[right] for right in normalised),
        logprob_per_token=None if per_token is None else tuple(round(value, 6) for value in per_token),
        lengths=None if lengths is None else tuple(lengths),
        truncated=None if truncated is None else "".join("01"[cut] for cut in truncated),
    )


def evaluated(answers: Sequence[Answer]) -> tuple[DomainEvaluation, ...]:
    """One model's answers as tables, domain by domain."""
    return tuple(
        DomainEvaluation(
            domain=name,
            question_ids=tuple(answer.question_id for answer in rows),
            targets=tuple(answer.target for answer in rows),
            replies=replies(rows),
        )
        for name, rows in _by_domain(answers)
    )


def answers_of(tables: Sequence[DomainEvaluation]) -> list[Answer]:
    """The inverse of `evaluated`; fingerprints of prompts are not kept there."""
    answers = []
    for table in tables:
        kept = table.replies
        unknown = [None] * len(kept.verdicts)
        truncated = unknown if kept.truncated is None else [mark == "1" for mark in kept.truncated]
        columns = (table.question_ids, table.targets, kept.verdicts, kept.logprob or unknown, kept.lengths or unknown)
        rows = [Answer(table.domain, *row) for row in zip(*columns, truncated, strict=True)]
        normalised = unknown if kept.acc_norm is None else [mark == "1" for mark in kept.acc_norm]
        measures = zip(rows, normalised, kept.logprob_per_token or unknown, strict=True)
        answers += [row._replace(acc_norm=right, logprob_per_token=value) for row, right, value in measures]
    return answers


def _by_domain(answers: Sequence[Answer]) -> list[tuple[str, list[Answer]]]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.domain, []).append(answer)
    return sorted(found.items())


def _by_key(answers: Sequence[Answer], side: str) -> dict[tuple[str, str], Answer]:
    """Answers by domain and question id."""
    if not answers:
        raise UserError(f"there are no answers {side}", "Check that the evaluation saved its samples")
    counts = Counter(answer[:2] for answer in answers)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        domain, identity = twice[0]
        raise UserError(
            f"{len(twice)} questions occur more than once {side}, such as {identity} of {domain}",
            "Give each question one answer",
        )
    return {answer[:2]: answer for answer in answers}
