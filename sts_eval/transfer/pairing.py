"""Joining before with after, question by question.

The join key is domain and question id. A few questions that are on one side only, occur twice, or are not the same on
both sides (another right answer, text or options) are left out, counted and named; many of them make the comparison
meaningless and are an error.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.data.options import letter_of
from sts_eval.data.text import LISTED
from sts_eval.errors import UserError
from sts_eval.records.answers import DomainEvaluation, LengthUnit, Replies
from sts_eval.records.transfer import DomainAnswers

MOST_MISSING = 0.1
"""Largest share of questions that may be on one side only or not the same on both, and of rows that may be unusable."""


class Answer(NamedTuple):
    """One model's answer to one question."""

    domain: str  # the question's category
    question_id: str  # the benchmark's own
    target: str  # the right answer, as the evaluation writes it; empty where the file does not tell
    verdict: str  # r right, w wrong, u unparsed
    logprob: float | None = None  # of the right option, normalised over options, in nats; NaN if it was not finite
    length: int | None = None  # of the generated answer
    truncated: bool | None = None  # whether it ran into its limit
    prompt_hash: str | None = None  # of what the model was asked
    acc_norm: bool | None = None  # whether the option that is likeliest per character is right
    logprob_per_token: float | None = None  # of the right option's own text, in nats
    question: str | None = None  # its text
    options: tuple[str, ...] | None = None
    response: str | None = None  # what the model said, or the log-likelihoods of the options
    n_options: int | None = None  # of the question, where its options are not kept

    @property
    def options_known(self) -> int | None:
        """How many options the question has, None where it has none to choose from or they are not known."""
        count = self.n_options or len(self.options or ())
        return count if count > 1 else None


class Scoring(NamedTuple):
    """How a task of lm-eval says which answers are right."""

    metric: str
    filter: str | None  # that read the answers; None where the file does not tell

    def __str__(self) -> str:
        """As messages name it."""
        return self.metric if self.filter in (None, "none") else f"{self.metric} with filter {self.filter}"


@dataclass(frozen=True)
class Side:
    """One model's results as they were found in files."""

    model: str  # as the files or the folder name it
    answers: list[Answer]
    files: list[Path]
    warnings: tuple[str, ...] = ()
    seed: int | None = None  # of the tuning, where the files tell
    length_unit: LengthUnit = "characters"
    scoring: Mapping[str, Scoring] = field(default_factory=dict)  # by task of lm-eval


@dataclass(frozen=True)
class Pairing:
    """Before and after, joined."""

    domains: tuple[DomainAnswers, ...]  # sorted by name; questions in the order of the before side
    only_before: int  # questions that some tuned side lacks
    only_after: int  # questions that the before side lacks
    prompts_differ: int  # questions that were put in different words before and after
    warnings: tuple[str, ...] = ()  # what was left out beyond that, and what looks like one model's results twice


def pair(before: Sequence[Answer], after: Sequence[Sequence[Answer]]) -> Pairing:
    """Join the untuned model's answers with those of the tuned ones, one sequence per seed.

    Raises:
        UserError: More than a tenth of the questions are not in all, occur twice, or are not the same in all.
    """
    warnings: list[str] = []
    was, tuned = _by_key(before, "before", warnings), [_by_key(answers, "after", warnings) for answers in after]
    everywhere, anywhere = set(was).intersection(*tuned), set(was).union(*tuned)
    missing = len(anywhere) - len(everywhere)
    lacking = _lacking(before, after)
    if missing > MOST_MISSING * len(anywhere):
        raise UserError(
            ": ".join(
                filter(None, [f"{missing} of {len(anywhere)} questions are not both before and after", _first(lacking)])
            ),
            "Evaluate both models on the same questions",
        )
    if lacking:
        told = f"{len(lacking)} of {len(anywhere)} questions are not both before and after: {_first(lacking)}"
        warnings.append(f"{told}. They were left out")
    shared = [answer for key, answer in was.items() if key in everywhere]
    kept, changed = [], []
    for answer in shared:
        found = next(filter(None, (_difference(answer, side[answer[:2]]) for side in tuned)), None)
        if found is None:
            kept.append(answer)
        else:
            changed.append(f"question {answer.question_id} of {answer.domain} has {found}")
    if changed:
        told = f"{len(changed)} of {len(shared)} questions are not the same before and after: {_first(changed)}"
        if len(changed) + missing > MOST_MISSING * len(anywhere):
            raise UserError(told, "Evaluate both models on the same version of the benchmark")
        warnings.append(f"{told}. They were left out")
    asked = [{side[answer[:2]].prompt_hash for side in (was, *tuned)} - {None} for answer in kept]
    domains = tuple(
        DomainAnswers(
            domain=name,
            question_ids=tuple(answer.question_id for answer in rows),
            before=replies(rows),
            after=tuple(replies([side[answer[:2]] for answer in rows]) for side in tuned),
            n_options=_n_options(rows),
        )
        for name, rows in _by_domain(kept)
    )
    warnings += _same_results([[side[answer[:2]].response for answer in kept] for side in (was, *tuned)])
    return Pairing(
        domains,
        len(was) - len(everywhere),
        len(anywhere) - len(was),
        sum(len(hashes) > 1 for hashes in asked),
        tuple(dict.fromkeys(warnings)),
    )


def _lacking(before: Sequence[Answer], after: Sequence[Sequence[Answer]]) -> list[str]:
    """Which questions are not in all sides, and where they are missing."""
    was, *tuned = [dict.fromkeys(answer[:2] for answer in side) for side in (before, *after)]
    anywhere = dict.fromkeys(key for side in (was, *tuned) for key in side)
    return [
        f"question {identity} of {domain} is missing {'before' if (domain, identity) not in was else 'after'}"
        for domain, identity in anywhere
        if not all((domain, identity) in side for side in (was, *tuned))
    ]


def _difference(answer: Answer, other: Answer) -> str | None:
    """What is not the same in a question of two sides, where both tell; None if nothing is."""
    targets = [letter_of(one.target) or one.target.strip() for one in (answer, other)]
    if all(targets) and targets[0] != targets[1]:
        return f"the right answer {answer.target!r} before and {other.target!r} after"
    texts = [one.question and " ".join(one.question.split()) for one in (answer, other)]
    if all(texts) and texts[0] != texts[1]:
        return "another text after than before"
    options = [one.options and [" ".join(option.split()) for option in one.options] for one in (answer, other)]
    if all(options) and options[0] != options[1]:
        return "other options after than before"
    return None


def _same_results(responses: Sequence[Sequence[str | None]]) -> list[str]:
    """Which sides, the untuned one first, give the very same answers to all questions."""
    tuned = range(1, len(responses))
    names = ["before", *(f"after (model {number})" if len(tuned) > 1 else "after" for number in tuned)]
    known = [(name, said) for name, said in zip(names, responses, strict=True) if said and None not in said]
    return [
        f"the text of every answer is the same {name} and {other}, so these may be the results of one model: a cache "
        "of answers (lm_eval --use_cache), or one folder given twice"
        for place, (name, said) in enumerate(known)
        for other, also_said in known[place + 1 :]
        if said == also_said
    ]


def _first(things: Sequence[str]) -> str:
    return "; ".join(things[:LISTED]) + ("; ..." if len(things) > LISTED else "")


def replies(answers: Sequence[Answer]) -> Replies:
    """Answers as columns. A column that some answer lacks is left out whole."""

    def column(name: str) -> list[Any] | None:
        values = [getattr(answer, name) for answer in answers]
        unknown = any(value is None or math.isnan(value) for value in values)
        return values if values and not unknown else None

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
            n_options=_n_options(rows),
        )
        for name, rows in _by_domain(answers)
    )


def _n_options(answers: Sequence[Answer]) -> tuple[int, ...] | None:
    """How many options each question has; None where that of some question is not known."""
    counts = [answer.options_known for answer in answers]
    known = tuple(count for count in counts if count is not None)
    return known if len(known) == len(counts) else None


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
        beside = zip(rows, normalised, kept.logprob_per_token or unknown, table.n_options or unknown, strict=True)
        answers += [
            row._replace(acc_norm=right, logprob_per_token=value, n_options=count)
            for row, right, value, count in beside
        ]
    return answers


def _by_domain(answers: Sequence[Answer]) -> list[tuple[str, list[Answer]]]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.domain, []).append(answer)
    return sorted(found.items())


def _by_key(answers: Iterable[Answer], side: str, warnings: list[str]) -> dict[tuple[str, str], Answer]:
    """Answers by domain and question id, without questions that have two different answers."""
    found: dict[tuple[str, str], Answer] = {}
    twice: Counter[tuple[str, str]] = Counter()
    unclear = set()
    for answer in answers:
        key = answer[:2]
        if key in found:
            twice[key] += 1
            if found[key] != answer:
                unclear.add(key)
        found.setdefault(key, answer)
    if not found:
        raise UserError(f"there are no answers {side}", "Check that the evaluation saved its samples")
    if twice:
        domain, identity = next(iter(twice))
        told = f"{len(twice)} questions occur more than once {side}, such as {identity} of {domain}"
        if len(twice) > MOST_MISSING * len(found):
            raise UserError(told, "Give each question one answer: the results of one task and one model")
        warnings.append(f"{told}; {len(unclear)} of them have different answers and were left out")
    return {key: answer for key, answer in found.items() if key not in unclear}
