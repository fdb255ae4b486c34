"""What must hold within a submission's own figures, evidence or not: names, ranges, and errors that fit the changes.

Changes of measured and imported runs come from counted answers, so they are checked to rounding. Published figures
are rounded by their papers and may lack what the papers do not give: seeds, hashes, and errors, which are 0 then.

Names and lines are held to the patterns of `sts_eval.records.submission`. The record `Outcome` itself does not ask for
them, because a run that stays on somebody's disk may use any names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.prediction import SCORES, PredictorScores
from sts_eval.records.submission import ALLOWED, LABEL, LINE, NAME, Origin
from sts_eval.statistics.paired import POINTS
from sts_eval.submission.problem import Path, Problem, shown
from sts_eval.submission.standard_error_range import standard_error_range

MOST_DOMAINS = 100
MOST_SEEDS = 20
MOST_PREDICTORS = 200
MOST_QUESTIONS = 10_000_000

EXACT = 1e-6
"""Points that rounding of computed figures explains."""

ROUNDED = 0.05
"""Points that rounding of published figures explains."""

LARGEST_LOGPROB_CHANGE = 1000.0
"""Nats."""

AHEAD = timedelta(days=1)
"""How far clocks may go wrong."""

FLAGS = ("L", "G", "P", "O")

_HASH = re.compile(r"[0-9a-f]{64}")

PREDICTOR = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"

_LONGEST: Mapping[str, int] = {NAME: 96, LABEL: 96, PREDICTOR: 64, LINE: 300}
"""Characters of a text by the pattern that it has to fit."""


def time_problems(text: str, path: Path, now: datetime) -> Iterator[Problem]:
    """Whether a text is a time in UTC that has come."""
    moment = read_time(text)
    if moment is None:
        yield Problem.at(path, f"{shown(text)} is no time in UTC; write it like 2026-01-31T12:00:00+00:00")
    elif moment > now + AHEAD:
        yield Problem.at(path, f"{shown(text)} has not come yet; set the clock right and make the record again")


def read_time(text: str) -> datetime | None:
    """A time in UTC, None where the text is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.utcoffset() == timedelta(0) else None


def outcome_problems(outcome: Outcome, origin: Origin | None, now: datetime) -> Iterator[Problem]:
    """Look at all figures and names of an outcome.

    Args:
        outcome: The run in short.
        origin: Where it comes from; the strictest is taken if it is not known.
        now: The time.
    """
    at: Path = ("outcome",)
    published = origin == "published"
    yield from time_problems(outcome.created, (*at, "created"), now)
    yield from _text(NAME, outcome.model, (*at, "model"))
    yield from _text(NAME, outcome.training_set, (*at, "training_set"))
    yield from _hashes(outcome, origin, at)
    yield from _entries(outcome.home, MOST_DOMAINS, (*at, "home"), "domain")
    for place, name in enumerate(outcome.home):
        yield from _text(LABEL, name, (*at, "home", place))
    yield from _entries(outcome.seeds, MOST_SEEDS, (*at, "seeds"), "seed")
    if not outcome.seeds and not published:
        yield Problem.at((*at, "seeds"), "there is no seed; name the seed of each tuning")
    if outcome.tuning_seconds is not None and outcome.tuning_seconds < 0:
        yield Problem.at((*at, "tuning_seconds"), "it is negative; give seconds, or null")
    names = [one.domain for one in outcome.domains]
    yield from _entries(names, MOST_DOMAINS, (*at, "domains"), "domain", "domain")
    for place, domain in enumerate(outcome.domains[:MOST_DOMAINS]):
        yield from _domain(domain, outcome, published, (*at, "domains", place))
    names = [one.name for one in outcome.predictors]
    yield from _entries(names, MOST_PREDICTORS, (*at, "predictors"), "predictor", "name")
    for place, one in enumerate(outcome.predictors[:MOST_PREDICTORS]):
        yield from _predictor(one, (*at, "predictors", place))


def _hashes(outcome: Outcome, origin: Origin | None, at: Path) -> Iterator[Problem]:
    for name in ("prediction_sha256", "transfer_sha256"):
        value = getattr(outcome, name)
        may_lack = origin == "published" or (origin == "imported" and name == "prediction_sha256")
        if not _HASH.fullmatch(value) and not (may_lack and not value):
            remedy = "give the record's SHA-256: 64 hexadecimal digits in lower case"
            yield Problem.at((*at, name), f"{shown(value)} is no hash; {remedy}" + (", or an empty text" * may_lack))


def _domain(domain: DomainOutcome, outcome: Outcome, published: bool, at: Path) -> Iterator[Problem]:
    yield from _text(LABEL, domain.domain, (*at, "domain"))
    if domain.logprob is not None:
        yield from _logprob(domain.logprob, len(outcome.seeds), published, (*at, "logprob"))
    before = domain.accuracy_before
    if not 1 <= domain.n <= MOST_QUESTIONS:
        remedy = "leave the domain out, or correct the number"
        yield Problem.at((*at, "n"), f"{domain.n} questions give no accuracy; {remedy}")
    elif before is None:
        if not published:
            remedy = "give the untuned model's accuracy as a proportion"
            yield Problem.at((*at, "accuracy_before"), f"it is missing; {remedy}")
        elif not -POINTS <= domain.accuracy.delta <= POINTS:
            yield Problem.at((*at, "accuracy", "delta"), "it is no change in points; give one between -100 and 100")
    elif not 0 <= before <= 1:
        remedy = "it looks like per cent, so divide it by 100" if 1 < before <= POINTS else "correct it"
        yield Problem.at((*at, "accuracy_before"), f"{before:g} is no proportion between 0 and 1; {remedy}")
    else:
        yield from _accuracy(domain, before, outcome, published, (*at, "accuracy"))


def _accuracy(domain: DomainOutcome, before: float, outcome: Outcome, published: bool, at: Path) -> Iterator[Problem]:
    """The change of accuracy; every rule supposes those before it."""
    change, slack = domain.accuracy, ROUNDED if published else EXACT
    wrong = [*_possible(change.delta, before, slack, (*at, "delta"))]
    for place, delta in enumerate(change.by_seed):
        wrong += _possible(delta, before, slack, (*at, "by_seed", place))
    wrong += _by_seed(change, len(outcome.seeds), published, slack, domain.n > 1, at)
    yield from wrong
    if wrong or (published and change.se == 0):
        return
    low, high = standard_error_range(domain.n, before, change.delta, change.by_seed)
    spare = slack + EXACT * high
    if low - spare <= change.se <= high + spare:
        return
    what, bound = (
        ("too small", f"at least {low:.4g}, even if all changes went one way")
        if change.se < low
        else ("too large", f"at most {high:.4g}, even if as many answers changed as can")
    )
    seeds = f"and these {len(change.by_seed)} seeds " if len(change.by_seed) > 1 else ""
    yield Problem.at(
        (*at, "se"),
        f"a standard error of {change.se:.4g} points is {what}: with {before:.4g} right before, a change of "
        f"{change.delta:.4g} points on {domain.n} questions {seeds}has {bound}; "
        "recompute it from paired answers, in points",
    )


def _possible(delta: float, before: float, slack: float, at: Path) -> Iterator[Problem]:
    after = before + delta / POINTS
    if abs(delta) > POINTS + slack:
        yield Problem.at(at, f"{delta:g} is no change in points between -100 and 100; correct it")
    elif not -slack / POINTS <= after <= 1 + slack / POINTS:
        yield Problem.at(
            at,
            f"{before:g} right before and a change of {delta:g} points make {after:g} right after, which is no "
            "proportion; correct one of them",
        )


def _by_seed(change: Change, n_seeds: int, published: bool, slack: float, several: bool, at: Path) -> Iterator[Problem]:
    given = len(change.by_seed)
    if given != n_seeds and not (published and not given):
        yield Problem.at((*at, "by_seed"), f"it has {given} changes for {n_seeds} seeds; give one per seed, in order")
    elif given and several:  # over one question the change is that of the first seed
        mean = math.fsum(change.by_seed) / given
        if abs(mean - change.delta) > slack:
            message = f"it is {change.delta:.6g} and the mean of by_seed {mean:.6g}; correct one of them"
            yield Problem.at((*at, "delta"), message)


def _logprob(change: Change, n_seeds: int, published: bool, at: Path) -> Iterator[Problem]:
    for name in ("delta", "se"):
        value = getattr(change, name)
        if abs(value) > LARGEST_LOGPROB_CHANGE:
            yield Problem.at((*at, name), f"{value:g} is no change of a log-probability in nats; check its unit")
    yield from _by_seed(change, n_seeds, published, EXACT * (1 + abs(change.delta)), True, at)


def _predictor(one: PredictorScores, at: Path) -> Iterator[Problem]:
    yield from _text(PREDICTOR, one.name, (*at, "name"))
    yield from _text(PREDICTOR, one.group, (*at, "group"))
    yield from _text(LINE, one.summary, (*at, "summary"))
    if not set(one.flags) <= set(FLAGS) or len(set(one.flags)) < len(one.flags):
        message = f"{shown(one.flags)} are not different ones of {', '.join(FLAGS)}; correct them"
        yield Problem.at((*at, "flags"), message)
    if one.name in SCORES and (one.group, one.flags) != ("sts", ()):
        message = f"{one.name} is of the group sts and has no flags; rename the predictor, or correct it"
        yield Problem.at((*at, "flags"), message)
    if one.name.startswith("oracle_") and "O" not in one.flags:
        yield Problem.at((*at, "flags"), "a predictor that reads the tuned model carries the flag O; add it")
    yield from _entries(list(one.scores), MOST_DOMAINS, (*at, "scores"), "domain")
    for domain, score in list(one.scores.items())[:MOST_DOMAINS]:
        yield from _text(LABEL, domain, (*at, "scores", domain))
        if min(score.se or 0.0, score.seed_sd or 0.0) < 0:
            yield Problem.at((*at, "scores", domain), "a standard error is negative; correct it")
    yield from _entries(one.seeds, MOST_SEEDS, (*at, "seeds"), "seed")
    for where, value in dict(one.cost or ()).items():
        if value < 0:
            message = f"{value:g} is negative; give what it took, or null for the whole cost"
            yield Problem.at((*at, "cost", where), message)


def _text(pattern: str, value: str, at: Path) -> Iterator[Problem]:
    if not re.fullmatch(pattern, value) or len(value) > _LONGEST[pattern]:
        allowed = ALLOWED.get(pattern, "letters, digits and _ . -")
        message = f"{shown(value)} is not allowed here; rename it: {allowed}, at most {_LONGEST[pattern]} characters"
        yield Problem.at(at, message)


def _entries(
    values: Sequence[str | int], most: int, at: Path, what: str, field: str | None = None
) -> Iterator[Problem]:
    """Whether a list is short enough and its entries differ, or the field that names them does."""
    if len(values) > most:
        yield Problem.at(at, f"it has {len(values)} {what}s, and {most} are allowed; split the run")
    first: dict[str | int, int] = {}
    for place, value in enumerate(values):
        if first.setdefault(value, place) != place:
            where = (*at, place) if field is None else (*at, place, field)
            yield Problem.at(where, f"the {what} {shown(value)} occurs twice; keep one")
