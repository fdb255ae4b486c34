"""What must hold within a submission's own figures, evidence or not: names, ranges, and errors that fit the changes.

Changes of measured and imported runs come from counted answers, so they are checked to rounding. Published figures
are rounded by their papers and may lack what the papers do not give: seeds, hashes, and errors, which are 0 then.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.prediction import SCORES, PredictorScores
from sts_eval.records.submission import LABEL, LINE, NAME, Origin
from sts_eval.statistics.paired import POINTS
from sts_eval.submission.problem import Problem, json_path, shown
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
_NAME, _LABEL, _LINE = re.compile(NAME), re.compile(LABEL), re.compile(LINE)
_PREDICTOR = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_LONGEST_NAME, _LONGEST_LINE = 96, 300

Path = tuple[str | int, ...]


def time_problems(text: str, path: Path, now: datetime) -> Iterator[Problem]:
    """Whether a text is a time in UTC that has come."""
    moment = read_time(text)
    if moment is None:
        yield _problem(path, f"{shown(text)} is no time in UTC; write it like 2026-01-31T12:00:00+00:00")
    elif moment > now + AHEAD:
        yield _problem(path, f"{shown(text)} has not come yet; set the clock right and make the record again")


def read_time(text: str) -> datetime | None:
    """A time in UTC, None where the text is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.utcoffset() == timedelta(0) else None


def outcome_problems(outcome: Outcome, origin: Origin | None, now: datetime | None = None) -> Iterator[Problem]:
    """Look at all figures and names of an outcome.

    Args:
        outcome: The run in short.
        origin: Where it comes from; the strictest is taken if it is not known.
        now: The time.
    """
    at: Path = ("outcome",)
    published = origin == "published"
    yield from time_problems(outcome.created, (*at, "created"), now or datetime.now(UTC))
    for name in ("model", "training_set"):
        yield from _text(getattr(outcome, name), (*at, name), _NAME, "an id: letters, digits, _ + : - and single dots")
    yield from _hashes(outcome, origin, at)
    yield from _different(outcome.home, (*at, "home"), "domain")
    for place, name in enumerate(outcome.home):
        yield from _domain_name(name, (*at, "home", place))
    yield from _seeds(outcome, published, at)
    if outcome.tuning_seconds is not None and outcome.tuning_seconds < 0:
        yield _problem((*at, "tuning_seconds"), "it is negative; give seconds, or null")
    yield from _limit(len(outcome.domains), MOST_DOMAINS, (*at, "domains"), "domains")
    yield from _different([one.domain for one in outcome.domains], (*at, "domains"), "domain", "domain")
    for place, domain in enumerate(outcome.domains[:MOST_DOMAINS]):
        yield from _domain(domain, outcome, published, (*at, "domains", place))
    yield from _limit(len(outcome.predictors), MOST_PREDICTORS, (*at, "predictors"), "predictors")
    yield from _different([one.name for one in outcome.predictors], (*at, "predictors"), "predictor", "name")
    for place, one in enumerate(outcome.predictors[:MOST_PREDICTORS]):
        yield from _predictor(one, (*at, "predictors", place))


def _hashes(outcome: Outcome, origin: Origin | None, at: Path) -> Iterator[Problem]:
    for name in ("prediction_sha256", "transfer_sha256"):
        value = getattr(outcome, name)
        may_lack = origin == "published" or (origin == "imported" and name == "prediction_sha256")
        if not _HASH.fullmatch(value) and not (may_lack and not value):
            remedy = "give the record's SHA-256: 64 hexadecimal digits in lower case"
            yield _problem((*at, name), f"{shown(value)} is no hash; {remedy}" + (", or an empty text" * may_lack))


def _seeds(outcome: Outcome, published: bool, at: Path) -> Iterator[Problem]:
    yield from _different(outcome.seeds, (*at, "seeds"), "seed")
    yield from _limit(len(outcome.seeds), MOST_SEEDS, (*at, "seeds"), "seeds")
    if not outcome.seeds and not published:
        yield _problem((*at, "seeds"), "there is no seed; name the seed of each tuning")


def _domain(domain: DomainOutcome, outcome: Outcome, published: bool, at: Path) -> Iterator[Problem]:
    yield from _domain_name(domain.domain, (*at, "domain"))
    if domain.logprob is not None:
        yield from _logprob(domain.logprob, len(outcome.seeds), published, (*at, "logprob"))
    if not 1 <= domain.n <= MOST_QUESTIONS:
        yield _problem(
            (*at, "n"), f"{domain.n} questions give no accuracy; leave the domain out, or correct the number"
        )
        return
    before = domain.accuracy_before
    if before is None:
        if not published:
            yield _problem((*at, "accuracy_before"), "it is missing; give the untuned model's accuracy as a proportion")
        elif not -POINTS <= domain.accuracy.delta <= POINTS:
            yield _problem((*at, "accuracy", "delta"), "it is no change in points; give one between -100 and 100")
        return
    if not 0 <= before <= 1:
        hint = "; it looks like per cent, so divide it by 100" if 1 < before <= POINTS else ""
        yield _problem((*at, "accuracy_before"), f"{before:g} is no proportion between 0 and 1{hint or '; correct it'}")
        return
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
    if change.se < low - spare:
        yield _problem(
            (*at, "se"),
            f"a standard error of {change.se:.4g} points is too small: a change of {change.delta:.4g} points on "
            f"{domain.n} questions {_that_many(change)}has at least {low:.4g}, even if all changes went one way; "
            "recompute it from paired answers",
        )
    if change.se > high + spare:
        yield _problem(
            (*at, "se"),
            f"a standard error of {change.se:.4g} points is too large: with {before:.4g} right before, a change of "
            f"{change.delta:.4g} points on {domain.n} questions {_that_many(change)}has at most {high:.4g}, even if as "
            "many answers changed as can; recompute it from paired answers, in points",
        )


def _that_many(change: Change) -> str:
    return f"and these {len(change.by_seed)} seeds " if len(change.by_seed) > 1 else ""


def _possible(delta: float, before: float, slack: float, at: Path) -> Iterator[Problem]:
    if abs(delta) > POINTS + slack:
        yield _problem(at, f"{delta:g} is no change in points between -100 and 100; correct it")
        return
    after = before + delta / POINTS
    if not -slack / POINTS <= after <= 1 + slack / POINTS:
        yield _problem(
            at,
            f"{before:g} right before and a change of {delta:g} points make {after:g} right after, which is no "
            "proportion; correct one of them",
        )


def _by_seed(change: Change, n_seeds: int, published: bool, slack: float, several: bool, at: Path) -> Iterator[Problem]:
    if len(change.by_seed) != n_seeds and not (published and not change.by_seed):
        yield _problem(
            (*at, "by_seed"), f"it has {len(change.by_seed)} changes for {n_seeds} seeds; give one per seed, in order"
        )
    elif change.by_seed and several:  # over one question nothing can be averaged, and the first seed stands
        mean = math.fsum(change.by_seed) / len(change.by_seed)
        if abs(mean - change.delta) > slack:
            yield _problem(
                (*at, "delta"), f"it is {change.delta:.6g} and the mean of by_seed {mean:.6g}; correct one of them"
            )


def _logprob(change: Change, n_seeds: int, published: bool, at: Path) -> Iterator[Problem]:
    for value, where in ((change.delta, "delta"), (change.se, "se")):
        if abs(value) > LARGEST_LOGPROB_CHANGE:
            yield _problem((*at, where), f"{value:g} is no change of a log-probability in nats; check its unit")
    yield from _by_seed(change, n_seeds, published, EXACT * (1 + abs(change.delta)), True, at)


def _predictor(one: PredictorScores, at: Path) -> Iterator[Problem]:
    for value, where in ((one.name, "name"), (one.group, "group")):
        allowed = "a column's name: letters, digits and _ . -, at most 64"
        yield from _text(value, (*at, where), _PREDICTOR, allowed)
    if not set(one.flags) <= set(FLAGS) or len(set(one.flags)) < len(one.flags):
        yield _problem((*at, "flags"), f"{shown(one.flags)} are not different ones of {', '.join(FLAGS)}; correct them")
    if one.name in SCORES and (one.group, one.flags) != ("sts", ()):
        yield _problem(
            (*at, "flags"), f"{one.name} is of the group sts and has no flags; rename the column, or correct it"
        )
    if one.name.startswith("oracle_") and "O" not in one.flags:
        yield _problem((*at, "flags"), "what read the tuned model carries the flag O; add it")
    if not _LINE.fullmatch(one.summary) or len(one.summary) > _LONGEST_LINE:
        yield _problem((*at, "summary"), f"it is not one line of at most {_LONGEST_LINE} characters; shorten it")
    yield from _limit(len(one.scores), MOST_DOMAINS, (*at, "scores"), "domains")
    for domain, score in list(one.scores.items())[:MOST_DOMAINS]:
        yield from _domain_name(domain, (*at, "scores", domain))
        if min(score.se or 0.0, score.seed_sd or 0.0) < 0:
            yield _problem((*at, "scores", domain), "a standard error is negative; correct it")
    yield from _different(one.seeds, (*at, "seeds"), "seed")
    yield from _limit(len(one.seeds), MOST_SEEDS, (*at, "seeds"), "seeds")
    if one.cost is not None:
        for where, value in one.cost.model_dump().items():
            if value < 0:
                yield _problem((*at, "cost", where), f"{value:g} is negative; give what it took, or null for the cost")


def _domain_name(name: str, at: Path) -> Iterator[Problem]:
    yield from _text(name, at, _LABEL, "a domain's name: a letter or digit, then letters, digits, spaces and .,()&+-")


def _text(value: str, at: Path, pattern: re.Pattern[str], allowed: str) -> Iterator[Problem]:
    if not pattern.fullmatch(value) or len(value) > _LONGEST_NAME:
        yield _problem(at, f"{shown(value)} is not {allowed}; rename it")


def _different(values: Sequence[str | int], at: Path, what: str, field: str | None = None) -> Iterator[Problem]:
    for place, value in enumerate(values):
        if value in values[:place]:
            where = (*at, place) if field is None else (*at, place, field)
            yield _problem(where, f"the {what} {shown(value)} occurs twice; keep one")


def _limit(number: int, most: int, at: Path, what: str) -> Iterator[Problem]:
    if number > most:
        yield _problem(at, f"it has {number} {what}, and {most} are allowed; split the run")


def _problem(at: Path, message: str) -> Problem:
    return Problem(json_path(at), message)
