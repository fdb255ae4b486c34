"""Which time is by whose clock, and in which order they have to stand.

    predicted, started, measured    by the submitter's clock, in the attached records
    registered, received            by the clock of who wrote into the store, in the ledger

A run goes registered < started ≤ measured ≤ received. The times in between are what the submitter says, and no
arithmetic can show them to be true. What the ledger shows is that the prediction was fixed before the run was received.
"""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sts_eval.records.submission import Submission
from sts_eval.submission.problem import Path, Problem, shown

AHEAD = timedelta(days=1)  # how far clocks may go wrong
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)  # years before this tool, the harness and the models that it takes


_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(\+00:00|Z)", re.ASCII)
"""Python reads many more forms, with any character in the place of the T."""


def read_time(text: str | None) -> datetime | None:
    """A time in UTC, None where the text is none, or no text."""
    if not _UTC.fullmatch(text or ""):
        return None
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:  # the 31st of February
        return None


def time_problems(text: str, path: Path, now: datetime) -> Iterator[Problem]:
    """Whether a text is a time in UTC that has come and is not too long ago."""
    moment = read_time(text)
    if moment is None:
        yield Problem.at(path, f"{shown(text)} is no time in UTC; write it like 2026-01-31T12:00:00+00:00")
    elif moment > now + AHEAD:
        yield Problem.at(path, f"{shown(text)} has not come yet; set the clock right and make the record again")
    elif moment < EARLIEST:
        yield Problem.at(path, f"{shown(text)} is before 2020; set the clock right and make the record again")


def order_problems(submission: Submission, now: datetime) -> Iterator[Problem]:
    """Whether the times of the attached records are times, and follow one another: tuned, measured, handed in."""
    prediction, transfer = submission.prediction, submission.transfer
    tuning = transfer.tuning if transfer is not None else None
    given: list[tuple[Path, str]] = []
    if prediction is not None:
        given.append((("prediction", "created"), prediction.created))
    if tuning is not None:
        given.append((("transfer", "tuning", "started"), tuning.started))
    if transfer is not None:
        given.append((("transfer", "created"), transfer.created))
    for path, text in given:
        yield from time_problems(text, path, now)
    # Whether the prediction came before the tuning is `post_hoc`, which is no mistake.
    later = [*(one for one in given if one[0][0] == "transfer"), (("created",), submission.created)]
    for (path, text), (after, other) in itertools.pairwise(later):
        first, second = read_time(text), read_time(other)
        if first is not None and second is not None and first > second:
            name = ".".join(map(str, after))
            yield Problem.at(path, f"{shown(text)} is later than {name}, {shown(other)}; make the records again")


def is_pre_registered(registered: str | None, started: str | None, measured: str | None, received: str | None) -> bool:
    """Whether a prediction was in the ledger before fine-tuning started, and the rest follows in order."""
    moments = [read_time(text) for text in (registered, started, measured, received)]
    if any(moment is None for moment in moments):
        return False
    first, second, third, fourth = moments
    return first < second <= third <= fourth  # type: ignore[operator]  # none is None
