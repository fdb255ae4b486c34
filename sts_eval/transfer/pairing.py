"""Joining before with after, question by question.

The join key is domain and question id. What one side lacks is counted and left out; what makes a comparison
meaningless (a question twice, two right answers, much missing) is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
    for key in was:
        if key in everywhere:
            by_domain.setdefault(key[0], []).append(key)
    for key in everywhere:
        _check_target(was[key], [side[key] for side in tuned])
    domains = [_table(name, keys, was, tuned) for name, keys in sorted(by_domain.items())]
    return Pairing(
        domains=tuple(domains),
        only_before=len(was) - len(everywhere),
        only_after=len(anywhere) - len(was),
        prompts_differ=sum(_asked_differently([was[key], *(side[key] for side in tuned)]) for key in everywhere),
    )


def replies(answers: Sequence[Answer]) -> Replies:
    """Answers as columns. A column that some answer lacks is left out whole."""
    logprobs = [answer.logprob for answer in answers if answer.logprob is not None]
    lengths = [answer.length for answer in answers if answer.length is not None]
    truncated = [answer.truncated for answer in answers if answer.truncated is not None]
    n = len(answers)
    return Replies(
        verdicts="".join(answer.verdict for answer in answers),
        logprob=tuple(round(value, 6) for value in logprobs) if n and len(logprobs) == n else None,
        lengths=tuple(lengths) if n and len(lengths) == n else None,
        truncated="".join("01"[cut] for cut in truncated) if n and len(truncated) == n else None,
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
        columns = table.replies
        for index, identity in enumerate(table.question_ids):
            answers.append(
                Answer(
                    domain=table.domain,
                    question_id=identity,
                    target=table.targets[index],
                    verdict=columns.verdicts[index],
                    logprob=None if columns.logprob is None else columns.logprob[index],
                    length=None if columns.lengths is None else columns.lengths[index],
                    truncated=None if columns.truncated is None else columns.truncated[index] == "1",
                )
            )
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


def _check_target(was: Answer, tuned: Sequence[Answer]) -> None:
    for answer in tuned:
        if answer.target != was.target:
            raise UserError(
                f"question {was.question_id} of {was.domain} has the right answer {was.target!r} before and "
                f"{answer.target!r} after",
                "Evaluate both models on the same version of the benchmark",
            )


def _asked_differently(answers: Sequence[Answer]) -> bool:
    return len({answer.prompt_hash for answer in answers if answer.prompt_hash is not None}) > 1


def _table(
    domain: str,
    keys: Sequence[tuple[str, str]],
    was: Mapping[tuple[str, str], Answer],
    tuned: Sequence[Mapping[tuple[str, str], Answer]],
) -> DomainAnswers:
    return DomainAnswers(
        domain=domain,
        question_ids=tuple(identity for _, identity in keys),
        before=replies([was[key] for key in keys]),
        after=tuple(replies([side[key] for key in keys]) for side in tuned),
    )
