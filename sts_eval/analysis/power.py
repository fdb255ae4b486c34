"""How many sets, models, domains and questions tell two predictors apart, given the noise of a matrix of runs."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import HOME, AlignedRuns, Floats
from sts_eval.analysis.judged import standing_of
from sts_eval.analysis.wording import counted
from sts_eval.errors import UserError
from sts_eval.records.comparison import AWAY, SET_BY_DOMAIN, Measure, Question
from sts_eval.records.noise import MatrixNoise
from sts_eval.records.record import now
from sts_eval.statistics import pooled_r
from sts_eval.statistics.power import Components, Design, Noise, Power, components, errors_of, power

LAB = Path(__file__).with_name("lab_noise.json")
"""The noise of the lab's matrix, for plans without runs: `sts-eval power MATRIX --save-noise` made it."""

ENOUGH = 0.8  # power
GOOD_CEILING = 0.8  # of set × domain: below it, half of what is compared, or nearly so, is noise
USEFUL = 0.3  # pooled r that a predictor must have for its errors to be taken: weaker ones are seldom compared
SETS = (4, 6, 8, 12, 16, 24, 32, 48, 64)  # that are tried
FEWEST = Design(models=1, sets=3, domains=4, questions=1)  # r needs 4 domains, set × domain 3 sets


class Tried(NamedTuple):
    """A design and what it can tell."""

    design: Design
    power: Power
    which_way: float  # ceiling of r with signed changes
    set_by_domain: float  # ceiling of r of what is left of set × domain

    @property
    def enough(self) -> bool:
        """Whether it reaches 80%."""
        return self.power.share >= ENOUGH


class PowerAnalysis(NamedTuple):
    """The designs that it takes, and those that do not suffice."""

    smallest: Tried | None  # of the first rows, that with the fewest runs
    as_it_is: Tried  # the size of the matrix that the noise comes from
    rows: tuple[
        Tried, ...
    ]  # by models, domains and questions: the fewest sets that suffice, or the most that were tried
    questions_for_ceiling: float  # a domain, at which the ceiling of set × domain is .8; infinite if never


class Asked(NamedTuple):
    """What is to be told apart."""

    question: Question  # about direction or about sets
    r: tuple[float, float]
    n_simulations: int
    seed: int


def noise_of(runs: AlignedRuns) -> MatrixNoise:
    """Components of variance of the changes and of the predictors' errors.

    Raises:
        UserError: There are fewer than 3 training sets, 4 domains or 2 predictors, or no measure has errors.
    """
    sizes = {"training set": len(runs.training_sets), "domain": len(runs.domains)}
    for (noun, size), least in zip(sizes.items(), (FEWEST.sets, FEWEST.domains), strict=True):
        if size < least:
            raise UserError(
                f"the runs have {counted(size, noun)}, and {least} are needed to tell their noise",
                "Add runs, or leave the runs out for the lab's noise",
            )
    everywhere = np.zeros_like(runs.home)
    by_measure, used = _by_measure(runs, everywhere)
    away = _by_measure(runs, runs.home)[0] if runs.home.any() else {}
    if not by_measure:
        raise UserError(
            "no change has a standard error, so the noise is not known", "Leave the runs out to use the lab's noise"
        )
    return MatrixNoise(
        created=now(),
        models=runs.models,
        training_sets=runs.training_sets,
        n_runs=len(runs.outcomes),
        n_domains=len(runs.domains),
        predictors=tuple(name for name in runs.predictors if name in used),
        by_measure=by_measure,
        n_home=float(runs.home.sum(axis=1).mean()),
        away=away,
    )


def _by_measure(runs: AlignedRuns, left_out: NDArray[np.bool_]) -> tuple[dict[Measure, Noise], set[str]]:
    """Noise by measure without some cells, and the predictors whose errors were taken."""
    found, used, n = {}, set(), _questions(runs)[~left_out]
    for measure, changes in runs.measures.items():
        y = np.where(left_out, np.nan, changes.change)
        if not changes.se.any() or not np.ptp(changes.change, axis=1).all():
            continue
        errors = _errors(runs, y)
        used |= set(errors)
        shared, own = changes.shared.clip(0)[~left_out], changes.own_variance[~left_out]
        found[measure] = Noise(
            change=components(y, runs.units, error=float(own.mean()), shared=float(shared.mean())),
            error=float((own * n).mean()),
            shared=float((shared * n).mean()),
            questions=float(n.mean()),
            score=_mean([components(one, runs.units) for one in errors.values()]),
            alike=_alike(errors, runs),
        )
    return found, used


def needed(matrix: MatrixNoise, measure: Measure, asked: Asked, sizes: Mapping[str, Sequence[int]]) -> PowerAnalysis:
    """Search designs for the fewest sets that suffice, for numbers of models, domains and questions.

    `sizes` names what may be tried: `sets`, `models`, `domains`, `questions`; what is missing is chosen around the
    matrix's own size. Power is taken to rise with the number of sets.

    Raises:
        UserError: The measure is not there, r cannot be reached, or a size is too small.
    """
    noise, own = _checked(matrix, measure, asked, sizes)
    ladder = sorted(sizes.get("sets") or SETS)
    rows = [_fewest_sets(noise, asked, ladder, *one) for one in _sizes(own, sizes)]
    first = [row for row in rows if row.enough and (sizes.get("domains") or row.design.domains == own.domains)]
    first = [row for row in first if sizes.get("questions") or row.design.questions == own.questions]
    return PowerAnalysis(
        smallest=min(first, key=lambda row: (row.design.runs, row.design.domains * row.design.questions), default=None),
        as_it_is=_tried(noise, asked, own),
        rows=tuple(rows),
        questions_for_ceiling=_questions_for(noise.about_sets, GOOD_CEILING),
    )


def _checked(
    matrix: MatrixNoise, measure: Measure, asked: Asked, sizes: Mapping[str, Sequence[int]]
) -> tuple[Noise, Design]:
    """The noise, and the matrix's own size."""
    if asked.question in AWAY and not matrix.away:
        raise UserError("the home domains of the sets are not known", "Give --question which_way or which_set")
    noise = matrix.noise(asked.question, measure)
    if noise is None:
        raise UserError(f"the noise of {measure} is not known", f"Give --measure {' or '.join(matrix.by_measure)}")
    for name, least in FEWEST._asdict().items():
        if min(sizes.get(name) or (least,)) < least:
            raise UserError(f"--{name} {min(sizes[name])} is too few", f"Give at least {least}")
    ceiling = _of_question(noise, asked).ceiling(noise.questions)
    if not 0 <= min(asked.r) < max(asked.r):
        raise UserError(f"r of {asked.r[0]} and {asked.r[1]} cannot be compared", "Give two different r of at least 0")
    if max(asked.r) >= ceiling:
        raise UserError(
            f"no predictor reaches r = {max(asked.r)}: with this noise r is at most {ceiling:.2f}",
            "Give smaller --r and --against, or another --measure",
        )
    n_domains = matrix.n_domains - (round(matrix.n_home) if asked.question in AWAY else 0)
    own = Design(len(matrix.models), len(matrix.training_sets), n_domains, round(noise.questions))
    return noise, own


def _sizes(own: Design, sizes: Mapping[str, Sequence[int]]) -> list[tuple[int, int, int]]:
    """Numbers of models, domains and questions to try.

    What was not asked for varies alone, around the matrix's own size.
    """
    models = sizes.get("models") or sorted({2, own.models, 2 * own.models})
    domains, questions = sizes.get("domains") or (own.domains,), sizes.get("questions") or (own.questions,)
    found = list(itertools.product(models, domains, questions))
    middle = own.models if own.models in models else models[0]
    if not sizes.get("domains"):
        found += [(middle, factor * own.domains, questions[0]) for factor in (2, 4)]
    if not sizes.get("questions"):
        found += [(middle, domains[0], max(1, round(factor * own.questions))) for factor in (0.25, 4)]
    return list(dict.fromkeys(found))


def _fewest_sets(noise: Noise, asked: Asked, ladder: Sequence[int], models: int, domains: int, questions: int) -> Tried:
    low, high = 0, len(ladder) - 1
    best = None
    while low <= high:
        place = (low + high) // 2
        tried = _tried(noise, asked, Design(models, ladder[place], domains, questions))
        if tried.enough:
            best, high = tried, place - 1
        else:
            low = place + 1
            last = tried
    return best or last


def _tried(noise: Noise, asked: Asked, design: Design) -> Tried:
    found = power(
        _of_question(noise, asked),
        design,
        asked.r,
        about_sets=asked.question in SET_BY_DOMAIN,
        n_simulations=asked.n_simulations,
        seed=asked.seed,
    )
    ceilings = noise.ceiling(design.questions), noise.about_sets.ceiling(design.questions)
    return Tried(design, found, *ceilings)


def _of_question(noise: Noise, asked: Asked) -> Noise:
    return noise.about_sets if asked.question in SET_BY_DOMAIN else noise


def _questions_for(noise: Noise, ceiling: float) -> float:
    """Questions a domain at which the ceiling is reached: signal/(signal + error/n) = ceiling²."""
    signal = noise.change.total
    return noise.error / signal * ceiling**2 / (1 - ceiling**2) if signal else float("inf")


def _questions(runs: AlignedRuns) -> Floats:
    """Questions behind every change, shape (n_runs, n_domains)."""
    return np.array(
        [[{one.domain: one.n for one in outcome.domains}[name] for name in runs.domains] for outcome in runs.outcomes],
        dtype=np.float64,
    )


def _errors(runs: AlignedRuns, changes: Floats) -> dict[str, Floats]:
    """Errors of the useful predictors by name, shape (n_runs, n_domains), complete ones only."""
    found: dict[str, tuple[float, Floats]] = {}
    for name, one in runs.predictors.items():
        ranked = standing_of(one) == "ranked" and one.group != HOME
        if ranked and np.isfinite(one.scores).all() and np.ptp(one.scores, axis=1).all():
            r = pooled_r(one.scores, changes)
            found[name] = (r or 0.0, errors_of(one.scores, changes))
    useful = {name: errors for name, (r, errors) in found.items() if r >= USEFUL} or {
        name: errors for name, (_, errors) in found.items()
    }
    if len(useful) < 2:  # noqa: PLR2004 - of which errors can be alike
        raise UserError(
            "the runs have fewer than 2 predictors with scores everywhere, so their errors are not known",
            "Leave the runs out to use the lab's noise, or give --noise",
        )
    return useful


def _mean(parts: Sequence[Components]) -> Components:
    """Mean shares."""
    shares = [one.scaled(1 / one.total) for one in parts if one.total]
    return Components(
        common=fmean(one.common for one in shares),
        by_model=fmean(one.by_model for one in shares),
        by_set=fmean(one.by_set for one in shares),
        rest=fmean(one.rest for one in shares),
    )


def _alike(errors: Mapping[str, Floats], runs: AlignedRuns) -> float:
    """Median correlation of two predictors' errors, of different families where there are such."""
    pairs = list(itertools.combinations(errors, 2))
    across = [(a, b) for a, b in pairs if runs.predictors[a].group != runs.predictors[b].group] or pairs
    cells = np.isfinite(next(iter(errors.values())))  # the same in all
    return median(float(np.corrcoef(errors[a][cells], errors[b][cells])[0, 1]) for a, b in across)
