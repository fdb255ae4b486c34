"""What a comparison may not see, and what stands beside every r."""

import numpy as np
import pytest
from helpers.outcomes import outcomes, planted

from sts_eval.analysis.added_value import histories_without, least_noisy
from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.compare import compare_runs
from sts_eval.records.outcome import Change, QuestionChanges
from sts_eval.records.prediction import PredictorScores, Score
from sts_eval.statistics import pooled_r
from sts_eval.statistics.interaction import SetByDomainTable

MODELS, SETS = list("abc"), list("uvwx")
HOME = {"u": ("d0", "d1"), "v": ("d2", "d3"), "w": ("d4",), "x": ("d5",)}
FEW = {"n_resamples": 200}


def home_table():
    """1 in the home domains of each run's set, shape (12, 14)."""
    return np.array([[f"d{place}" in HOME[name] for place in range(14)] for _ in MODELS for name in SETS], dtype=float)


def made(seed=0, **more):
    rng = np.random.default_rng(seed)
    y, noise = planted(n_models=3, n_sets=4, seed=seed)
    scores = {"sts_icl": y + 2 * noise, "sts_act": rng.normal(size=y.shape)}
    return outcomes(y, scores, models=MODELS, sets=SETS, **more), y


def test_no_history_contains_the_held_out_group():
    made_runs, y = made()
    moved = y.copy()
    moved[:4] += 100 * np.random.default_rng(5).normal(size=(4, 14))  # model a
    for name in ("history_all", "history_same_set"):
        runs = align(made_runs)
        before, after = (histories_without(name, change, runs.model_of, runs)[0] for change in (y, moved))
        np.testing.assert_array_equal(before, after)
        other = histories_without(name, moved, runs.model_of, runs)[1]
        assert not np.allclose(other[4:], before[4:])  # without model b, model a's changes do count


def test_the_held_out_error_of_plain_history_is_the_other_models_mean_on_the_set():
    made_runs, y = made()
    table = next(one for one in compare_runs(made_runs, **FEW).added if one.history == "history_same_set")
    assert table.question == "how_much"
    size = np.abs(y).reshape(3, 4, 14)
    error = size - (size.sum(axis=0) - size) / 2
    assert table.row("sts_icl").rmse_plain == pytest.approx(np.sqrt(np.mean(error**2)))
    assert (table.n_history, table.held_out) == (2, "models")


def test_the_least_noisy_history_is_held_fixed():
    made_runs, _ = made()
    runs = align(made_runs)
    assert least_noisy(runs, "accuracy") == "accuracy"  # equal shares of noise
    finer = [
        one.model_copy(
            update={
                "domains": tuple(
                    domain.model_copy(update={"logprob": domain.logprob.model_copy(update={"se": 0.001})})
                    for domain in one.domains
                )
            }
        )
        for one in made_runs
    ]
    assert least_noisy(align(finer), "accuracy") == "logprob"
    unknown = [
        one.model_copy(
            update={
                "domains": tuple(
                    domain.model_copy(update={"logprob": domain.logprob.model_copy(update={"se": 0.0})})
                    for domain in one.domains
                )
            }
        )
        for one in made_runs
    ]
    assert least_noisy(align(unknown), "accuracy") == "accuracy"
    record = compare_runs(finer, **FEW)
    assert {table.history_measure for table in record.added} == {"logprob"}
    assert any(
        "beyond its history in other models on the same set (2 noisy runs by log-prob" in line
        for line in record.verdict
    )


def test_home_domains_are_a_ranked_baseline_and_their_own_table_leaves_them_out():
    y = 5 * home_table() + np.random.default_rng(1).normal(size=(12, 14))
    x = home_table() + 0.3 * np.random.default_rng(2).normal(size=y.shape)
    record = compare_runs(outcomes(y, {"sts_icl": x}, models=MODELS, sets=SETS, home=HOME), **FEW)
    row = record.table("which_way", "accuracy").row("home_domain")
    assert (row.standing, row.rank) == ("ranked", 1)
    assert row.r == pytest.approx(pooled_r(home_table(), y), abs=0.01)
    away = record.table("which_way_away", "accuracy")
    assert away.n_points == 12 * 14 - 3 * 6
    assert "home_domain" not in {one.name for one in away.rows}
    left = np.where(home_table() > 0, np.nan, y)
    assert away.row("sts_icl").r == pytest.approx(pooled_r(x, left), abs=0.01)
    assert abs(away.row("sts_icl").r) < 0.3 < record.table("which_way", "accuracy").row("sts_icl").r
    assert any("knowing only whether a domain is one" in line for line in record.verdict)


def test_home_domains_can_be_the_reference():
    made_runs, _ = made(home=HOME)
    record = compare_runs(made_runs, reference="home_domain", **FEW)
    everywhere, away = (record.table(question, "accuracy") for question in ("which_way", "which_way_away"))
    against = everywhere.row("sts_icl").from_reference
    assert against.rival == "home_domain"
    assert against.difference == pytest.approx(everywhere.row("sts_icl").r - everywhere.row("home_domain").r)
    assert all(row.from_reference is None for row in away.rows)  # where it takes no part


def test_without_home_domains_there_is_no_such_table():
    made_runs, _ = made()
    record = compare_runs(made_runs, **FEW)
    assert record.table("which_way_away", "accuracy") is None
    assert "home_domain" not in {row.name for row in record.tables[0].rows}


def test_shares_of_a_recipe_are_a_predictor_where_they_are_known():
    made_runs, y = made(home=HOME)
    shared = [one.model_copy(update={"shares": {"d0": 0.7, "d1": 0.3}}) for one in made_runs]
    scores = np.zeros_like(y)
    scores[:, :2] = 0.7, 0.3
    row = compare_runs(shared, **FEW).table("which_way", "accuracy").row("home_share")
    assert row.r == pytest.approx(pooled_r(scores, y), abs=0.02)


def test_a_predictor_that_knows_the_domain_but_not_the_set_ranks_last_where_sets_are_chosen():
    y, noise = planted(n_models=3, n_sets=4, interaction=1.0)
    domain = np.tile(y.mean(axis=0), (12, 1))
    about_set = y - domain + noise
    record = compare_runs(outcomes(y, {"sts_icl": domain, "sts_act": about_set}, models=MODELS, sets=SETS), **FEW)
    way, which = record.table("which_way", "accuracy"), record.table("which_set", "accuracy")
    assert way.row("sts_icl").r > way.row("sts_act").r
    assert way.row("sts_icl").other_sets.difference == pytest.approx(0, abs=1e-9)
    assert (way.ranked_by, which.ranked_by) == ("r", "other_sets")
    assert [row.name for row in which.standing("ranked")] == ["sts_act", "sts_icl"]
    assert which.row("sts_act").pairs_right.share > 0.6
    assert which.row("sts_icl").pairs_right.share == 0.5


def test_size_is_plain_and_the_debiased_root_stands_beside_it():
    made_runs, y = made()
    record = compare_runs(made_runs, **FEW)
    x = align(made_runs).predictors["sts_icl"].scores
    assert record.table("how_much", "accuracy").row("sts_icl").r == pytest.approx(pooled_r(x, np.abs(y)), abs=0.01)
    square = y**2 - 0.5**2
    debiased = np.sign(square) * np.sqrt(np.abs(square))
    found = record.table("how_much_debiased", "accuracy")
    assert found.row("sts_icl").r == pytest.approx(pooled_r(x, debiased), abs=0.01)
    assert any("is not" in note for note in found.notes)


def test_the_verdict_on_size_says_what_holds_for_these_runs_and_what_for_new_ones():
    rng = np.random.default_rng(3)
    slope = np.array([4, 4, 4, -4])  # on one set of four the score says the opposite
    x = rng.normal(size=(4, 14))
    y = np.tile(np.abs(slope[:, None] * x), (3, 1)) * np.sign(rng.normal(size=(12, 14)))
    scores = np.tile(np.sign(slope)[:, None] * np.abs(x), (3, 1)) + 0.5 * rng.normal(size=(12, 14))
    record = compare_runs(outcomes(y, {"sts_icl": scores}, models=MODELS, sets=SETS), **FEW)
    row = record.table("how_much", "accuracy").row("sts_icl")
    assert row.bootstrap[0] < 0 < row.r
    line = next(text for text in record.verdict if text.startswith("How much a domain changes, recommended"))
    assert "in these runs sts_icl does go with the changes (permutation p" in line


def test_effective_runs_stand_beside_their_number():
    made_runs, _ = made()
    record = compare_runs(made_runs, **FEW)
    assert 1 < record.effective_runs["accuracy"] < 12
    assert f"say as much as {record.effective_runs['accuracy']:.1f} (by accuracy)" in record.verdict[0]


def test_the_number_of_features_is_chosen_on_other_runs():
    made_runs, y = made()
    rng = np.random.default_rng(8)
    good, misleading = y + 0.1 * rng.normal(size=y.shape), rng.normal(size=y.shape)
    misleading[0] = y[0]  # best on the run itself, useless elsewhere
    sizes = {"sts_icl_n10": good, "sts_icl_n25": misleading}
    extended = tuple(
        one.model_copy(
            update={
                "predictors": (
                    *one.predictors,
                    *(
                        PredictorScores(
                            name=name,
                            group="sts_sizes",
                            flags=(),
                            summary=name,
                            scores={
                                f"d{place}": Score(value=value) for place, value in enumerate(values[run].tolist())
                            },
                            seeds=(0,),
                            cost=None,
                        )
                        for name, values in sizes.items()
                    ),
                )
            }
        )
        for run, one in enumerate(made_runs)
    )
    record = compare_runs(extended, **FEW)
    table = record.table("which_way", "accuracy")
    assert table.row("sts_icl_tuned").r == pytest.approx(pooled_r(good, y), abs=0.01)
    assert not {"sts_icl_n10", "sts_icl_n25"} & {row.name for row in table.rows}


def by_question(seed, n_questions=150):
    """18 runs on the same questions: their changes, their errors, and the runs with each question's change."""
    rng = np.random.default_rng(seed)
    true = 0.05 * np.tile(rng.normal(size=(6, 14)), (3, 1))
    base = rng.random((3, 14, n_questions)) < 0.6  # the untuned models' answers, which all runs of a model share
    after = [
        np.where(rng.random(one.shape) < 0.3, rng.random(one.shape) < 0.6 + change[:, None], one)
        for one, change in zip(np.repeat(base, 6, axis=0), true, strict=True)
    ]
    right = np.array(after).astype(int) - np.repeat(base, 6, axis=0)
    y = 100 * right.mean(axis=2)
    se = 100 * right.std(axis=2, ddof=1) / np.sqrt(n_questions)
    made_runs = outcomes(y, {"sts_icl": true}, models=MODELS, sets=list("uvwxyz"), logprob=False)
    full = [
        one.model_copy(
            update={
                "seeds": (0,),
                "domains": tuple(
                    domain.model_copy(
                        update={
                            "accuracy": Change(delta=y[run, place], se=se[run, place], by_seed=(y[run, place],)),
                            "questions": QuestionChanges(ids_sha256="same", right=tuple(right[run, place].tolist())),
                        }
                    )
                    for place, domain in enumerate(one.domains)
                ),
            }
        )
        for run, one in enumerate(made_runs)
    ]
    return true, y, full


def test_errors_that_a_models_runs_share_are_no_noise_where_sets_are_compared():
    ceilings, without, reached = [], [], []
    for seed in range(12):
        true, y, full = by_question(seed)
        runs = align(full)
        changes = runs.measures["accuracy"]
        questions = [np.array(full[run].domains[3].questions.right) for run in range(6)]
        pairs = [np.cov(questions[0], questions[other])[0, 1] for other in range(1, 6)]
        assert changes.shared[0, 3] == pytest.approx(100**2 * np.mean(pairs) / 150)
        table = SetByDomainTable(y, runs.units, n_resamples=20)
        ceilings.append(table.ceiling(changes.own_variance).r)
        without.append(table.ceiling(changes.se**2).r)
        reached.append(table.correlate({"true": true})["true"].r)
    assert np.mean(ceilings) == pytest.approx(np.mean(reached), abs=0.05)
    assert np.mean(without) < np.mean(reached) - 0.05
