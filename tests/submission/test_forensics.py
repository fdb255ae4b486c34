"""What warns of made-up figures, how often it warns of true ones, and that it warns of none of ours."""

import math

import numpy as np
import pytest
from helpers.outcomes import outcomes

from sts_eval.records.outcome import Change, DomainOutcome, read_outcomes
from sts_eval.records.prediction import Score
from sts_eval.statistics.seeds import change_over_seeds
from sts_eval.store.store import Store
from sts_eval.submission.forensics import LEVEL, forensic_warnings, order_probability

N, D, K = 300, 14, 3


def measured(rng, *, effect=0.0, agreement=0.5):
    """Changes of one made run, counted from answers; `agreement`: share of the lost questions that seeds share."""
    domains = []
    for place in range(D):
        before = rng.random(N) < rng.uniform(0.4, 0.8)
        flip = 0.15 + effect * rng.uniform(-0.1, 0.1)
        shared = rng.random(N) < flip
        after = [np.where(rng.random(N) < agreement, shared, rng.random(N) < flip) ^ before for _ in range(K)]
        change = change_over_seeds(before, after)
        by_seed = tuple(100 * (one.mean() - before.mean()) for one in after)
        accuracy = Change(delta=change.delta, se=change.se, by_seed=by_seed)
        domains.append(
            DomainOutcome(
                domain=f"d{place}", n=N, accuracy_before=float(before.mean()), accuracy=accuracy, logprob=None
            )
        )
    return tuple(domains)


def run(domains, scores):
    (base,) = outcomes(np.zeros((1, D)), {"sts_icl": np.ones((1, D))}, models=("m",), sets=("s",))
    predictor = base.predictors[0].model_copy(
        update={"scores": {one.domain: Score(value=float(s)) for one, s in zip(domains, scores, strict=True)}}
    )
    return base.model_copy(
        update={"domains": domains, "predictors": (predictor,), "seeds": tuple(range(K)), "training_set": "s"}
    )


def warnings(domains, scores=None):
    scores = np.random.default_rng(9).normal(size=D) if scores is None else scores
    return forensic_warnings(run(domains, scores), "measured")


def changed(domains, change):
    """With another change in each domain; `change` takes a `Change`."""
    return tuple(one.model_copy(update={"accuracy": change(one.accuracy)}) for one in domains)


def deltas(domains):
    return np.array([one.accuracy.delta for one in domains])


@pytest.fixture
def honest():
    return measured(np.random.default_rng(0), effect=1.0)


def test_none_of_the_committed_runs_warns(request):
    runs = read_outcomes(request.config.rootpath / "benchmarks" / "results" / "lab_matrix.jsonl")
    assert len(runs) == 18
    for one in runs:
        assert forensic_warnings(one, "measured") == (), one.model


def test_no_run_of_the_shipped_store_warns(request):
    shipped = request.config.rootpath / "leaderboard" / "sts_leaderboard" / "seeds" / "store"
    assert set(Store(str(shipped)).board().runs["warnings"]) == {()}


def test_true_figures_warn_as_rarely_as_is_said():
    """Where no domain differs in truth, which is the worst case of `smooth`; a false alarm in a thousand runs."""
    rng = np.random.default_rng(1)
    number = 300
    warned = sum(bool(warnings(measured(rng, agreement=rng.uniform(0, 0.9)))) for _ in range(number))
    # More than 4 of 300 have a probability of .002 at three tests of LEVEL each.
    assert LEVEL == 1e-3
    assert warned <= 4


def test_a_perfect_prediction_of_the_true_changes_is_let_through():
    """The noise ceiling itself: scores are the true changes, and the measured ones have noise."""
    rng = np.random.default_rng(2)
    warned = 0
    for _ in range(200):
        true = rng.normal(scale=5, size=D)
        noise = rng.normal(scale=2, size=(D, K))
        domains = tuple(
            DomainOutcome(
                domain=f"d{place}",
                n=N,
                accuracy_before=0.5,
                accuracy=Change(
                    delta=float((true[place] + noise[place]).mean()),
                    se=2 / np.sqrt(K),
                    by_seed=tuple(true[place] + noise[place]),
                ),
                logprob=None,
            )
            for place in range(D)
        )
        warned += any("sts_icl" in one for one in warnings(domains, true))
    assert warned <= 2


def test_scores_that_follow_the_measured_changes_warn(honest):
    found = warnings(honest, deltas(honest) * 3 + 7)
    assert len(found) == 1
    assert "sts_icl follows the measured changes more closely (r = +1.000) than a perfect prediction could" in found[0]
    assert warnings(honest, -deltas(honest))  # the other way round as well
    sizes = warnings(honest, np.abs(deltas(honest)))
    assert "sizes of the changes" in sizes[0]


def test_scores_with_a_little_noise_warn_too(honest):
    rng = np.random.default_rng(3)
    noise = 0.05 * deltas(honest).std() * rng.normal(size=D)
    assert "follows" in warnings(honest, deltas(honest) + noise)[0]


def test_scores_that_are_the_ranks_of_the_changes_warn():
    """Far from a line, so only the order tells: neighbours are closer than their errors."""
    close = measured(np.random.default_rng(5), effect=0.3)
    ranks = deltas(close).argsort().argsort()
    (found,) = warnings(close, 4.0**ranks)
    assert "in their exact order" in found


def test_the_order_of_equal_values_is_one_of_all_orders():
    for number in (2, 5, 8):
        found = order_probability(np.zeros(number), np.ones(number))
        assert found == pytest.approx(1 / math.factorial(number), rel=1e-3)
    # Two values that are two of their joint errors apart.
    assert order_probability(np.array([0.0, 10.0]), np.array([3.0, 4.0])) == pytest.approx(0.97725, abs=1e-4)


def test_changes_that_are_too_smooth_warn(honest):
    # As if the mean change had been written everywhere, up to a tenth of a point.
    even = changed(honest, lambda one: one.model_copy(update={"delta": -3 + 0.1 * (one.delta > -3)}))
    assert any("differ less between domains" in one for one in warnings(even))


def test_seeds_that_are_too_alike_warn(honest):
    alike = changed(
        honest, lambda one: one.model_copy(update={"by_seed": tuple(one.delta + 0.05 * k for k in (-1, 0, 1))})
    )
    found = warnings(alike)
    assert any("seeds are more alike" in one for one in found)


@pytest.mark.parametrize(
    ("n", "before", "delta", "possible"),
    [
        (20, 0.55, 5.0, True),  # 11 of 20, and one more
        (19, 0.55, 0.0, False),  # 10.45 of 19
        (20, 0.55, 3.0, False),  # 0.6 of an answer
        (600, 348 / 600, 100 * 7 / 600, True),
    ],
)
def test_accuracies_that_no_number_of_answers_gives_warn(honest, n, before, delta, possible):
    """Brown and Heathers' test: a proportion of n answers is a whole number over n."""
    one = honest[0].model_copy(
        update={"n": n, "accuracy_before": before, "accuracy": Change(delta=delta, se=1.0, by_seed=(delta,) * K)}
    )
    found = [line for line in warnings((one, *honest[1:])) if "GRIM" in line]
    assert (found == []) is possible
    if found:
        assert "1 of 14 domains, such as d0" in found[0]


def test_figures_of_papers_are_not_asked(honest):
    assert forensic_warnings(run(honest, deltas(honest)), "published") == ()


def test_few_domains_are_not_asked(honest):
    few = honest[:7]
    base = run(honest, deltas(honest))
    assert forensic_warnings(base.model_copy(update={"domains": few}), "measured") == ()
