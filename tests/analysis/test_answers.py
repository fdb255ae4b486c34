"""Three sentences that follow a comparison's figures."""

import numpy as np
import pytest
from helpers.outcomes import outcomes, planted

from sts_eval.analysis.answers import answers, beats, best_baseline, verdict_of
from sts_eval.analysis.breakdown import Part
from sts_eval.analysis.compare import compare_runs
from sts_eval.records.comparison import Difference
from sts_eval.statistics import paired_difference
from sts_eval.statistics.resampling import Units

MODELS, SETS = ("m", "n", "o", "p"), ("s", "t", "u")


@pytest.fixture(scope="module")
def compared():
    """STS knows which way, and TF-IDF knows it better; neither is told how much."""
    change, noise = planted(n_models=4, n_sets=3, n_domains=12, seed=3)
    change = change - change.mean()
    scores = {"sts_icl": change + noise, "tfidf_cosine": change + 0.05 * noise, "nothing": noise[::-1]}
    made = outcomes(change, scores, models=MODELS, sets=SETS, groups={"tfidf_cosine": "lexical"})
    return compare_runs(made, n_resamples=200), change, scores


def test_every_row_is_compared_with_tfidf(compared):
    comparison, change, scores = compared
    table = comparison.table("which_way", "accuracy")
    assert table.row("tfidf_cosine").from_baseline is None
    found = table.row("sts_icl").from_baseline
    assert found.rival == "tfidf_cosine"
    units = Units(tuple(n for n in range(4) for _ in SETS), tuple(range(3)) * 4)
    again = paired_difference(scores["sts_icl"], scores["tfidf_cosine"], change, units=units, n_resamples=200)
    assert found.difference == pytest.approx(again.difference)
    assert found.interval == pytest.approx((again.interval.low, again.interval.high))


def test_the_sentences_follow_the_intervals(compared):
    comparison, _, _ = compared
    parts = [Part(name, r, None, 3, 36, None) for name, r in zip(MODELS, (0.2, 0.4, 0.3, None), strict=True)]
    said = answers(comparison, "accuracy", parts, "which_way")
    row = comparison.table("which_way", "accuracy").row("sts_icl")
    assert said.works.startswith("sts_icl tells which way a domain changes")
    assert f"(r {row.r:+.2f} [{row.bootstrap[0]:+.2f}, {row.bootstrap[1]:+.2f}])" in said.works
    difference = comparison.table("which_way", "accuracy").row("tfidf_cosine").from_reference
    assert difference.interval[0] > 0
    assert f"is worse than tfidf_cosine on which way ({-difference.difference:+.2f} [" in said.against
    assert said.models.startswith("4 models on 3 training sets, 12 domains: 12 runs that say as much as")
    assert said.models.endswith("r of sts_icl for which way a domain changes: n +0.40, o +0.30, m +0.20.")


def test_many_models_are_a_range(compared):
    parts = [Part(str(n), n / 10, None, 3, 36, None) for n in range(6)]
    said = answers(compared[0], "accuracy", parts, "which_way")
    assert said.models.endswith("By model, r of sts_icl for which way a domain changes goes from +0.00 to +0.50.")


def test_a_predictor_that_knows_nothing_is_not_said_to_work():
    change, noise = planted(n_models=3, n_sets=3, n_domains=10, seed=5)
    rng = np.random.default_rng(0)
    made = outcomes(change, {"sts_icl": rng.normal(size=noise.shape)}, models=MODELS[:3], sets=SETS)
    said = answers(compare_runs(made, n_resamples=200), "accuracy", (), "which_way")
    assert said.works.startswith("sts_icl is not shown to tell which way")
    assert said.against == "There is no other predictor to compare sts_icl with."


def test_the_best_baseline_is_not_of_sts(compared):
    assert best_baseline(compared[0].table("which_way", "accuracy")).name == "tfidf_cosine"


@pytest.mark.parametrize(
    ("difference", "interval", "williams", "said"),
    [
        (0.3, (0.1, 0.5), None, "yes"),
        (-0.3, (-0.5, -0.1), None, "no"),
        (0.3, (-0.1, 0.5), None, "cannot tell"),
        (0.3, None, None, "cannot tell"),
        (None, None, None, "cannot tell"),
        (0.3, (0.1, 0.5), 0.2, "cannot tell"),  # one run, where both tests must agree
        (0.3, (0.1, 0.5), 0.01, "yes"),
    ],
)
def test_a_winner_needs_an_interval_that_excludes_0(difference, interval, williams, said):
    found = Difference(rival="other", difference=difference, interval=interval, p=None, p_williams=williams)
    assert beats(found) == said
    assert beats(None) == "cannot tell"
    if williams is None:
        assert verdict_of(difference, interval) == said


def test_runs_without_sts_are_not_said_to_answer():
    change, noise = planted(n_models=2, n_sets=2, n_domains=8, seed=6)
    made = outcomes(
        change, {"tfidf_cosine": change + noise}, models=MODELS[:2], sets=SETS[:2], groups={"tfidf_cosine": "lexical"}
    )
    said = answers(compare_runs(made, reference="tfidf_cosine", n_resamples=200), "accuracy", (), "which_way")
    assert said.works == said.against == "no run here has scores of STS."
