"""What must hold within a submission's own figures, evidence or not: names, ranges, and errors that fit the changes.

Changes of measured and imported runs come from counted answers, so they are checked to rounding. Published figures
are rounded by their papers and may lack what the papers do not give: seeds, hashes, and errors, which are 0 then.

Names and lines are held to the patterns of `sts_eval.records.submission`. The record `Outcome` itself does not ask for
them, because a run that stays on somebody's disk may use any names.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.prediction import SCORES, PredictorScores
from sts_eval.records.submission import ALLOWED, LABEL, LINE, NAME, Origin
from sts_eval.statistics.paired import POINTS
from sts_eval.submission.naming import name_problems
from sts_eval.submission.problem import Path, Problem, shown
from sts_eval.submission.standard_error_range import standard_error_range
from sts_eval.submission.times import time_problems

MOST_DOMAINS = 100
MOST_SEEDS = 20
MOST_PREDICTORS = 200
MOST_QUESTIONS = 10_000_000

EXACT = 1e-6  # points that rounding of computed figures explains
ROUNDED = 0.05  # points that rounding of published figures explains
LARGEST_LOGPROB_CHANGE = 1000.0  # nats

FLAGS = ("L", "G", "P", "O")

_HASH = re.compile(r"[0-9a-f]{64}")
PREDICTOR = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
RESERVED_PREDICTORS = frozenset(
    (
        *("sha256", "domain", "n", "accuracy_before", "delta", "se", "logprob_delta", "logprob_se"),  # `Board.points`
        *("model", "training_set", "benchmark", "origin", "n_seeds", "home", "score", "change", "error", "x", "y"),
    )
)
"""Columns that stand beside the predictors' in the tables of a board: one of that name would take their place."""

# Characters of a text by the pattern that it has to fit.
_LONGEST: Mapping[str, int] = {NAME: 96, LABEL: 96, PREDICTOR: 64, LINE: 300}


def outcome_problems(outcome: Outcome, origin: Origin | None, now: datetime) -> Iterator[Problem]:
    """Look at all figures and names of an outcome; the rules are the strictest if its origin is not known."""
    yield from time_problems(outcome.created, ("outcome", "created"), now)
    at: Path = ("outcome",)
    published = origin == "published"
    for field in ("model", "training_set"):
        yield from _text((*at, field), NAME, getattr(outcome, field))
    for field in ("prediction_sha256", "transfer_sha256"):
        value = getattr(outcome, field)
        may_lack = published or (origin == "imported" and field == "prediction_sha256")
        if not _HASH.fullmatch(value) and not (may_lack and not value):
            remedy = "give the record's SHA-256: 64 hexadecimal digits in lower case"
            yield Problem.at((*at, field), f"{shown(value)} is no hash; {remedy}" + (", or an empty text" * may_lack))
    yield from _entries((*at, "home"), outcome.home, MOST_DOMAINS, "domain")
    for place, name in enumerate(outcome.home[:MOST_DOMAINS]):
        yield from _text((*at, "home", place), LABEL, name)
        yield from name_problems(name, (*at, "home", place))
    yield from _entries((*at, "seeds"), outcome.seeds, MOST_SEEDS, "seed")
    if not outcome.seeds and not published:
        yield Problem.at((*at, "seeds"), "there is no seed; name the seed of each tuning")
    if outcome.tuning_seconds is not None and outcome.tuning_seconds < 0:
        yield Problem.at((*at, "tuning_seconds"), "it is negative; give seconds, or null")
    names = [domain.domain for domain in outcome.domains]
    yield from _entries((*at, "domains"), names, MOST_DOMAINS, "domain", "domain")
    for place, domain in enumerate(outcome.domains[:MOST_DOMAINS]):
        yield from _domain((*at, "domains", place), domain, len(outcome.seeds), published)
    names = [predictor.name for predictor in outcome.predictors]
    yield from _entries((*at, "predictors"), names, MOST_PREDICTORS, "predictor", "name")
    for place, predictor in enumerate(outcome.predictors[:MOST_PREDICTORS]):
        yield from _predictor((*at, "predictors", place), predictor)


def _domain(at: Path, domain: DomainOutcome, n_seeds: int, published: bool) -> Iterator[Problem]:
    yield from _text((*at, "domain"), LABEL, domain.domain)
    yield from name_problems(domain.domain, (*at, "domain"))
    if domain.questions is not None and len(domain.questions.right) != domain.n:
        message = f"it has {len(domain.questions.right):,} changes for {domain.n:,} questions; give one per question"
        yield Problem.at((*at, "questions", "right"), message)
    elif domain.questions is not None and any(abs(one) > n_seeds for one in domain.questions.right):
        message = f"a question cannot change by more than its {n_seeds} seeds; correct it"
        yield Problem.at((*at, "questions", "right"), message)
    for field in ("logprob", "logprob_per_token"):
        if getattr(domain, field) is not None:
            yield from _logprob((*at, field), getattr(domain, field), n_seeds, published)
    if domain.acc_norm is not None:
        yield from _change_alone((*at, "acc_norm"), domain.acc_norm, n_seeds, published)
    before, change = domain.accuracy_before, domain.accuracy
    if not 1 <= domain.n <= MOST_QUESTIONS:
        message = f"{domain.n} questions give no accuracy; leave the domain out, or correct the number"
        yield Problem.at((*at, "n"), message)
    elif before is None:
        if not published:
            message = "it is missing; give the untuned model's accuracy as a proportion"
            yield Problem.at((*at, "accuracy_before"), message)
        elif not -POINTS <= change.delta <= POINTS:
            yield Problem.at((*at, "accuracy", "delta"), "it is no change in points; give one between -100 and 100")
    elif not 0 <= before <= 1:
        remedy = "it looks like per cent, so divide it by 100" if 1 < before <= POINTS else "correct it"
        yield Problem.at((*at, "accuracy_before"), f"{before:g} is no proportion between 0 and 1; {remedy}")
    else:
        yield from _accuracy((*at, "accuracy"), change, before, domain.n, n_seeds, published)


def _accuracy(at: Path, change: Change, before: float, n: int, n_seeds: int, published: bool) -> Iterator[Problem]:
    """The change of accuracy; every rule supposes those before it."""
    slack = ROUNDED if published else EXACT
    wrong = [*_possible((*at, "delta"), change.delta, before, slack)]
    for place, delta in enumerate(change.by_seed):
        wrong += _possible((*at, "by_seed", place), delta, before, slack)
    wrong += _by_seed(at, change, n_seeds, published, slack, averaged=n > 1)
    yield from wrong
    if wrong or (published and change.se == 0):
        return
    low, high = standard_error_range(n, before, change.delta, change.by_seed)
    spare = slack + EXACT * high
    if low - spare <= change.se <= high + spare:
        return
    what, bound = (
        ("too small", f"at least {low:.4g}, even if all changes went one way")
        if change.se < low
        else ("too large", f"at most {high:.4g}, even if as many answers changed as can")
    )
    seeds = f"and these {len(change.by_seed)} seeds " if len(change.by_seed) > 1 else ""
    message = (
        f"a standard error of {change.se:.4g} points is {what}: with {before:.4g} right before, a change of "
        f"{change.delta:.4g} points on {n} questions {seeds}has {bound}; recompute it from paired answers, in points"
    )
    yield Problem.at((*at, "se"), message)


def _possible(at: Path, delta: float, before: float, slack: float) -> Iterator[Problem]:
    after = before + delta / POINTS
    if abs(delta) > POINTS + slack:
        yield Problem.at(at, f"{delta:g} is no change in points between -100 and 100; correct it")
    elif not -slack / POINTS <= after <= 1 + slack / POINTS:
        made = f"{before:g} right before and a change of {delta:g} points make {after:g} right after"
        yield Problem.at(at, f"{made}, which is no proportion; correct one of them")


def _by_seed(
    at: Path, change: Change, n_seeds: int, published: bool, slack: float, *, averaged: bool
) -> Iterator[Problem]:
    given = len(change.by_seed)
    if given != n_seeds and not (published and not given):
        yield Problem.at((*at, "by_seed"), f"it has {given} changes for {n_seeds} seeds; give one per seed, in order")
    elif given and averaged:  # over one question the change is that of the first seed
        mean = math.fsum(change.by_seed) / given
        if abs(mean - change.delta) > slack:
            message = f"it is {change.delta:.6g} and the mean of by_seed {mean:.6g}; correct one of them"
            yield Problem.at((*at, "delta"), message)


def _logprob(at: Path, change: Change, n_seeds: int, published: bool) -> Iterator[Problem]:
    for field in ("delta", "se"):
        value = getattr(change, field)
        if abs(value) > LARGEST_LOGPROB_CHANGE:
            yield Problem.at((*at, field), f"{value:g} is no change of a log-probability in nats; check its unit")
    yield from _by_seed(at, change, n_seeds, published, EXACT * (1 + abs(change.delta)), averaged=True)


def _change_alone(at: Path, change: Change, n_seeds: int, published: bool) -> Iterator[Problem]:
    """A change in points without the accuracy before it."""
    for field in ("delta", "se"):
        if abs(getattr(change, field)) > POINTS:
            message = f"{getattr(change, field):g} is no change in points between -100 and 100; correct it"
            yield Problem.at((*at, field), message)
    yield from _by_seed(at, change, n_seeds, published, ROUNDED if published else EXACT, averaged=True)


def _predictor(at: Path, one: PredictorScores) -> Iterator[Problem]:
    for field, pattern in (("name", PREDICTOR), ("group", PREDICTOR), ("summary", LINE)):
        yield from _text((*at, field), pattern, getattr(one, field))
    if one.name in RESERVED_PREDICTORS:
        yield Problem.at((*at, "name"), f"{shown(one.name)} is a column of every board; rename the predictor")
    if not set(one.flags) <= set(FLAGS) or len(set(one.flags)) < len(one.flags):
        message = f"{shown(one.flags)} are not different ones of {', '.join(FLAGS)}; correct them"
        yield Problem.at((*at, "flags"), message)
    if one.name in SCORES and (one.group, one.flags) != ("sts", ()):
        message = f"{one.name} is of the group sts and has no flags; rename the predictor, or correct it"
        yield Problem.at((*at, "flags"), message)
    if one.name.startswith("oracle_") and "O" not in one.flags:
        yield Problem.at((*at, "flags"), "a predictor that reads the tuned model carries the flag O; add it")
    yield from _entries((*at, "scores"), list(one.scores), MOST_DOMAINS, "domain")
    for domain, score in list(one.scores.items())[:MOST_DOMAINS]:
        yield from _text((*at, "scores", domain), LABEL, domain)
        if min(score.se or 0.0, score.seed_sd or 0.0) < 0:
            yield Problem.at((*at, "scores", domain), "a standard error is negative; correct it")
    yield from _entries((*at, "seeds"), one.seeds, MOST_SEEDS, "seed")
    for field, value in dict(one.cost or ()).items():
        if value < 0:
            message = f"{value:g} is negative; give what it took, or null for the whole cost"
            yield Problem.at((*at, "cost", field), message)


def _text(at: Path, pattern: str, value: str) -> Iterator[Problem]:
    if not re.fullmatch(pattern, value) or len(value) > _LONGEST[pattern]:
        allowed = f"{ALLOWED.get(pattern, 'letters, digits and _ . -')}, at most {_LONGEST[pattern]} characters"
        yield Problem.at(at, f"{shown(value)} is not allowed here; rename it: {allowed}")


def _entries(
    at: Path, values: Sequence[str | int], most: int, what: str, field: str | None = None
) -> Iterator[Problem]:
    """Whether a list is short enough and its entries differ, or the field that names them does."""
    if len(values) > most:
        yield Problem.at(at, f"it has {len(values)} {what}s, and {most} are allowed; split the run")
    first: dict[str | int, int] = {}
    for place, value in enumerate(values[:most]):
        if first.setdefault(value, place) != place:
            path = (*at, place, field) if field else (*at, place)
            yield Problem.at(path, f"the {what} {shown(value)} occurs twice; keep one")
