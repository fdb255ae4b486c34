"""The noise of a matrix, and the designs that it needs."""

from pathlib import Path

import numpy as np
import pytest
from helpers.outcomes import outcomes

from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.power import LAB, Asked, needed, noise_of
from sts_eval.analysis.runs import gather
from sts_eval.errors import UserError
from sts_eval.records.noise import MatrixNoise
from sts_eval.statistics.power import Components, Design, Noise, simulated

MATRIX = Path(__file__).parents[2] / "benchmarks/results/lab_matrix.jsonl"
TRUE = Noise(
    change=Components(1.0, 0.5, 2.0, 0.5),
    error=100.0,
    shared=0.0,
    questions=100.0,
    score=Components(0.1, 0.1, 0.4, 0.4),
    alike=0.5,
)
BIG = Design(6, 20, 30, 100)
FEW = Asked("which_way", (0.4, 0.7), 40, 0)


def made(design=BIG):
    x, z, y = simulated(TRUE, design, (0.7, 0.6), np.random.default_rng(0))
    names = [f"m{place}" for place in range(design.models)], [f"s{place}" for place in range(design.sets)]
    groups = {"sts_icl": "sts", "rival": "lexical"}
    return align(outcomes(y, {"sts_icl": x, "rival": z}, models=names[0], sets=names[1], se=1.0, groups=groups))


def matrix(**more):
    values = {
        "created": "2026-01-01T00:00:00+00:00",
        "models": ("a", "b"),
        "training_sets": tuple("uvwxyz"),
        "n_runs": 12,
        "n_domains": 14,
        "predictors": ("sts_icl", "rival"),
        "by_measure": {"accuracy": TRUE},
    }
    return MatrixNoise(**(values | more))


def test_the_noise_of_runs_is_what_was_planted():
    found = noise_of(made()).by_measure["accuracy"]
    for name in ("common", "by_model", "by_set", "rest"):
        assert getattr(found.change, name) == pytest.approx(getattr(TRUE.change, name), abs=0.25), name
        assert getattr(found.score, name) == pytest.approx(getattr(TRUE.score, name), abs=0.1), name
    assert found.error == pytest.approx(100)  # a standard error of 1 with 100 questions
    assert found.alike == pytest.approx(0.5, abs=0.1)


def test_the_shipped_noise_is_that_of_the_lab_matrix():
    made_again = noise_of(align(gather([MATRIX])))
    shipped = MatrixNoise.read(LAB)
    assert shipped.model_copy(update={"created": ""}).predictors == made_again.predictors
    for measure, noise in made_again.by_measure.items():
        kept = shipped.by_measure[measure]
        for name in ("common", "by_model", "by_set", "rest"):
            assert getattr(kept.change, name) == pytest.approx(getattr(noise.change, name))
            assert getattr(kept.score, name) == pytest.approx(getattr(noise.score, name))
        assert (kept.error, kept.alike, kept.questions) == pytest.approx((noise.error, noise.alike, noise.questions))


def test_the_smallest_design_is_the_cheapest_that_suffices():
    sizes = {"sets": (4, 8, 16, 32), "models": (2, 4), "domains": (14,), "questions": (100,)}
    found = needed(matrix(), "accuracy", FEW, sizes)
    assert [row.design.models for row in found.rows] == [2, 4]
    assert all(row.enough for row in found.rows)
    assert found.smallest.design.runs == min(row.design.runs for row in found.rows)
    fewer = needed(matrix(), "accuracy", FEW, sizes | {"sets": (found.rows[0].design.sets // 2,), "models": (2,)})
    assert fewer.smallest is None
    assert fewer.as_it_is.design == Design(2, 6, 14, 100)


def test_what_was_not_asked_for_is_varied_around_the_matrix():
    found = needed(matrix(), "accuracy", FEW, {"sets": (8,)})
    assert {(row.design.models, row.design.domains, row.design.questions) for row in found.rows} == {
        *((2, 14, 100), (4, 14, 100)),
        *((2, 28, 100), (2, 56, 100), (2, 14, 25), (2, 14, 400)),
    }


def test_the_questions_that_a_ceiling_takes():
    found = needed(matrix(), "accuracy", FEW, {"sets": (8,), "models": (2,)})
    # signal/(signal + error/n) = .64 for n = 100/2.5 · .64/.36
    assert found.questions_for_ceiling == pytest.approx(100 / 2.5 * 0.64 / 0.36)
    assert found.as_it_is.set_by_domain == pytest.approx((2.5 / 3.5) ** 0.5)


def test_which_set_is_judged_by_what_is_left_of_set_by_domain():
    asked = Asked("which_set", (0.2, 0.7), 20, 0)
    found = needed(matrix(), "accuracy", asked, {"sets": (8,), "models": (2,), "domains": (14,), "questions": (100,)})
    assert found.rows[0].power.difference == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("measure", "r", "sizes", "says"),
    [
        ("logprob", (0.6, 0.7), {}, "noise of logprob is not known"),
        ("accuracy", (0.6, 0.95), {}, r"r is at most 0\.89"),
        ("accuracy", (0.6, 0.6), {}, "cannot be compared"),
        ("accuracy", (float("nan"), 0.6), {}, "cannot be compared"),
        ("accuracy", (0.6, 0.7), {"sets": (2,)}, "--sets 2 is too few"),
        ("accuracy", (0.6, 0.7), {"domains": (3,)}, "--domains 3 is too few"),
    ],
)
def test_what_cannot_be_asked_is_refused(measure, r, sizes, says):
    with pytest.raises(UserError, match=says):
        needed(matrix(), measure, Asked("which_way", r, 20, 0), sizes)


def test_home_domains_can_be_left_out():
    home = {f"s{place}": ("d0", "d1") for place in range(20)}
    x, z, y = simulated(TRUE, BIG, (0.7, 0.6), np.random.default_rng(0))
    y[:, :2] += 100 * np.random.default_rng(1).normal(size=(len(y), 2))
    names = [f"m{place}" for place in range(6)], list(home)
    runs = align(outcomes(y, {"sts_icl": x, "rival": z}, models=names[0], sets=names[1], se=1.0, home=home))
    found = noise_of(runs)
    assert found.n_home == 2
    assert found.by_measure["accuracy"].change.rest > 100
    assert found.away["accuracy"].change.total == pytest.approx(TRUE.change.total, abs=0.5)
    sizes = {"sets": (8,), "models": (2,), "questions": (100,)}
    away = needed(found, "accuracy", FEW._replace(question="which_set_away"), sizes)
    assert away.as_it_is.design.domains == 28
    with pytest.raises(UserError, match="home domains of the sets are not known"):
        needed(matrix(), "accuracy", FEW._replace(question="which_way_away"), {})


def test_runs_that_do_not_tell_their_noise_are_refused():
    with pytest.raises(UserError, match="2 training sets, and 3 are needed"):
        noise_of(made(Design(2, 2, 8, 100)))
    runs = made(Design(2, 3, 8, 100))
    alone = [one.model_copy(update={"predictors": one.predictors[:1]}) for one in runs.outcomes]
    with pytest.raises(UserError, match="fewer than 2 predictors"):
        noise_of(align(alone))
