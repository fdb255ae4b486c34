"""Planted truths are recovered, and nothing more is said than the runs show."""

import numpy as np
import pytest
from helpers.outcomes import cost, outcomes, planted
from scipy import stats

from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.compare import compare_runs
from sts_eval.analysis.history import history, history_predictors
from sts_eval.errors import UserError

MODELS, SETS = list("abcd"), list("uvwxy")
FEW = {"n_resamples": 400}


@pytest.fixture(scope="module")
def comparison():
    """20 runs with a good, a useless, a doubled, an oracle and an incomplete predictor."""
    y, noise = planted()
    rng = np.random.default_rng(7)
    scores = {
        "sts_icl": y + 6 * noise,
        "sts_act": rng.normal(size=y.shape),
        "exact": y + 0.5 * noise,
        "useless": rng.normal(size=y.shape),
        "twin": 3 * (y + 6 * noise) + 5,
        "oracle": y,
        "partial": y + 0.5 * rng.normal(size=y.shape),
    }
    scores["partial"][:10] = np.nan
    made = outcomes(
        y,
        scores,
        models=MODELS,
        sets=SETS,
        flags={"oracle": ("O",)},
        home={"u": ("d0", "d1"), "v": ("d2",)},
        costs={"useless": cost(1, 0), "exact": cost(50, 100), "sts_icl": cost(20, 30)},
    )
    return compare_runs(made, **FEW), align(made)


def test_a_predictor_that_equals_the_changes_but_for_noise_comes_first(comparison):
    record, _ = comparison
    for question in ("which_way", "which_set", "which_set_away"):
        for measure in ("accuracy", "logprob"):
            table = record.table(question, measure)
            assert {row.name for row in table.rows[:2]} == {"exact", "partial"}
            assert table.row("exact").rank == 1
            assert table.row("exact").p_permutation < 0.01
            assert table.row("exact").from_reference.interval[0] > 0


def test_a_useless_predictor_is_not_called_significant(comparison):
    record, _ = comparison
    for table in record.tables:
        assert table.row("useless").p_permutation > 0.1


def test_a_predictor_in_another_unit_shares_the_rank_of_its_twin(comparison):
    record, _ = comparison
    for table in record.tables:
        twin, original = table.row("twin"), table.row("sts_icl")
        assert twin.rank == original.rank
        assert twin.r == pytest.approx(original.r)
        assert twin.from_reference.difference == pytest.approx(0, abs=1e-9)


def test_an_oracle_is_never_ranked(comparison):
    record, _ = comparison
    for table in record.tables:
        oracle = table.row("oracle")
        assert (oracle.standing, oracle.rank, oracle.p_permutation) == ("oracle", None, None)
        assert table.rows[-1] == oracle
        assert all(row.rank is None for row in table.standing("history"))
    assert record.table("which_way", "accuracy").row("oracle").r == pytest.approx(1, abs=2e-4)  # bounded below 1


def test_pooled_r_of_equal_sized_runs_is_the_mean_of_fishers_z(comparison):
    record, runs = comparison
    changes, scores = runs.measures["accuracy"].change, runs.predictors["useless"].scores
    row = record.table("which_way", "accuracy").row("useless")
    z = [np.arctanh(stats.pearsonr(x, y).statistic) for x, y in zip(scores, changes, strict=True)]
    # Random-effects weights are equal where all runs have as many domains.
    assert row.r == pytest.approx(np.tanh(np.mean(z)))


def test_a_predictor_that_lacks_runs_is_compared_on_those_it_has(comparison):
    record, runs = comparison
    table = record.table("which_way", "accuracy")
    partial, exact = table.row("partial"), table.row("exact")
    assert (partial.n_runs, partial.n_points) == (10, 140)
    assert (exact.n_runs, table.n_runs, table.n_points) == (20, 20, 280)
    changes = runs.measures["accuracy"].change[10:]
    z = [
        np.mean([np.arctanh(stats.pearsonr(x, y).statistic) for x, y in zip(scores[10:], changes, strict=True)])
        for scores in (runs.predictors["partial"].scores, runs.predictors["sts_icl"].scores)
    ]
    assert partial.from_reference.difference == pytest.approx(np.tanh(z[0]) - np.tanh(z[1]))


def test_home_cells_are_left_out_of_the_second_table_of_sets(comparison):
    record, runs = comparison
    assert runs.home.sum() == 4 * 2 + 4 * 1
    assert record.table("which_set", "accuracy").n_points == 280
    assert record.table("which_set_away", "accuracy").n_points == 280 - 12
    assert record.table("which_set_away", "accuracy").row("exact").n_points == 280 - 12


def test_costs_are_means_and_shares_of_one_tuning(comparison):
    record, _ = comparison
    row = record.table("which_way", "accuracy").row("exact")
    assert (row.cost.seconds, row.cost.passes) == (50, 100)
    assert row.cost.share_of_tuning == pytest.approx(0.5)  # 200 s for two seeds
    assert record.table("which_way", "accuracy").row("twin").cost is None


def test_only_scores_whose_zero_has_a_meaning_have_signs(comparison):
    record, _ = comparison
    table = record.table("which_way", "accuracy")
    assert table.row("exact").sign.auroc > 0.95
    assert table.row("exact").sign.mcc is None
    assert table.row("history_all").sign.mcc > 0
    assert record.table("how_much", "accuracy").row("exact").sign is None


def test_log_probability_has_no_table_where_a_run_lacks_it():
    y, _ = planted(n_models=1, n_sets=3)
    made = outcomes(y, {"sts_icl": y}, models=["a"], sets=list("uvw"))
    bare = outcomes(y, {"sts_icl": y}, models=["a"], sets=list("uvw"), logprob=False)
    record = compare_runs((*made[:2], bare[2]), **FEW)
    assert {table.measure for table in record.tables} == {"accuracy"}
    assert any("only accuracy" in line for line in record.warnings)


def test_history_of_two_models_and_two_sets_by_hand():
    y = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]])  # a on u, a on v, b on u, b on v
    found = history(y, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    assert found["history_models"][:, 0] == pytest.approx([6, 6, 1.5, 1.5])
    assert found["history_sets"][:, 0] == pytest.approx([2, 1, 8, 4])
    assert found["history_same_set"][:, 0] == pytest.approx([4, 8, 1, 2])
    assert found["history_all"][:, 0] == pytest.approx([14 / 3, 13 / 3, 11 / 3, 7 / 3])
    for name in found:
        assert found[name][:, 1] == pytest.approx(10 * found[name][:, 0])


def test_history_is_a_literal_loop_over_the_other_runs():
    y, _ = planted(n_models=3, n_sets=2, n_domains=5)
    runs = [(model, training_set) for model in range(3) for training_set in range(2)]
    found = history(y, *(np.array([run[axis] for run in runs]) for axis in (0, 1)))
    for own, (model, training_set) in enumerate(runs):
        others = {
            "history_models": [i for i, (m, _) in enumerate(runs) if m != model],
            "history_sets": [i for i, (m, s) in enumerate(runs) if m == model and s != training_set],
            "history_same_set": [i for i, (m, s) in enumerate(runs) if m != model and s == training_set],
            "history_all": [i for i in range(len(runs)) if i != own],
        }
        for name, used in others.items():
            assert found[name][own] == pytest.approx(np.mean([y[i] for i in used], axis=0))


def test_a_run_does_not_enter_its_own_history():
    y, _ = planted(n_models=3, n_sets=3)
    groups = np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)
    before = history(y, *groups)
    changed = y.copy()
    changed[4] += 100
    after = history(changed, *groups)
    for name in before:
        assert after[name][4] == pytest.approx(before[name][4])
        assert not np.allclose(after[name], before[name])


def test_within_a_run_the_mean_over_all_others_is_the_additive_fit():
    y, _ = planted(n_models=2, n_sets=3, n_domains=6)
    found = history(y, np.repeat([0, 1], 3), np.tile(np.arange(3), 2))["history_all"]
    for own in range(6):
        others = np.delete(y, own, axis=0)
        domain = others.mean(axis=0) - others.mean()  # the domain effects of a balanced additive model
        assert found[own] - found[own].mean() == pytest.approx(domain - domain.mean())


def test_a_mean_over_the_other_sets_of_a_model_may_not_answer_which_set_helps_which_domain(comparison):
    record, runs = comparison
    y = runs.measures["accuracy"].change[:5]
    others = (y.sum(axis=0) - y) / 4
    left = [part - part.mean(0) - part.mean(1, keepdims=True) + part.mean() for part in (y, others)]
    assert np.corrcoef(left[0].ravel(), left[1].ravel())[0, 1] == pytest.approx(-1)  # hence it is left out
    for question in ("which_set", "which_set_away"):
        assert [row.name for row in record.table(question, "accuracy").standing("history")] == ["history_same_set"]


def test_history_at_low_rank_is_the_other_models_change_times_the_models_factor():
    """Model b changes twice as much as a on set u, so on v it is expected at twice a's change, and a at half of b's."""
    on_u, on_v = np.array([1.0, 2.0, -3.0, 4.0]), np.array([2.0, -1.0, 1.0, 3.0])
    y = np.array([on_u, on_v, 2 * on_u, 2 * on_v])  # a on u, a on v, b on u, b on v
    made = outcomes(y, {"sts_icl": y}, models=["a", "b"], sets=["u", "v"])
    runs = align(made)
    found = history_predictors(runs, runs.measures["accuracy"].change, "which_way")["history_low_rank"]
    assert found.group == "history"
    assert found.scores == pytest.approx(y, abs=1e-6)
    assert "history_low_rank" not in history_predictors(runs, y, "which_set")
    table = compare_runs(made, **FEW).table("which_way", "accuracy")
    assert table.row("history_low_rank").r > table.row(table.best_history).r - 1e-9
    assert table.best_history == "history_same_set"
    assert any("chosen after the 18 runs" in note for note in table.notes)


def stable(seed=0):
    """Runs in which a domain does what it does everywhere, and noise."""
    rng = np.random.default_rng(seed)
    return 3 * rng.normal(size=14) + rng.normal(size=(20, 14))


def test_history_plus_noise_is_said_to_add_nothing():
    y = stable()
    known = history(y, np.repeat(np.arange(4), 5), np.tile(np.arange(5), 4))["history_all"]
    x = known + np.random.default_rng(1).normal(size=y.shape)
    record = compare_runs(outcomes(y, {"sts_icl": x}, models=MODELS, sets=SETS), **FEW)
    assert record.table("which_way", "accuracy").row("sts_icl").r > 0.8
    (line,) = [text for text in record.verdict if text.startswith("Which way it changes, beyond the domain's history")]
    assert "sts_icl is not shown to add anything" in line
    assert "history_" in next(text for text in record.verdict if text.startswith("Which way it changes, recom"))


def test_what_is_added_to_history_is_said_to_be_added():
    y = stable()
    x = y + np.random.default_rng(1).normal(size=y.shape)
    record = compare_runs(outcomes(y, {"sts_icl": x}, models=MODELS, sets=SETS), **FEW)
    row = next(table for table in record.added if table.question == "which_way").row("sts_icl")
    assert row.interval[0] > 0
    assert row.rmse_with < row.rmse_without
    (line,) = [text for text in record.verdict if text.startswith("Which way it changes, beyond the domain's history")]
    assert "sts_icl adds to history" in line


def test_models_are_held_out_where_there_are_three_and_else_training_sets():
    y = stable()
    for models, n, held_out in ((MODELS, 20, "models"), (MODELS[:2], 10, "training sets")):
        record = compare_runs(outcomes(y[:n], {"sts_icl": y[:n]}, models=models, sets=SETS), **FEW)
        assert {table.held_out for table in record.added} == {held_out}


def test_other_predictors_that_add_to_history_are_counted(comparison):
    record, _ = comparison
    line = next(text for text in record.verdict if text.startswith("Which way it changes, beyond the domain's history"))
    counted, _, named = line.partition(" pass the same tests: ")
    assert counted.endswith("3 of 5 other predictors")  # home_domain is one
    assert set(named.partition(". ")[0].split(", ")) == {"exact", "partial", "twin"}
    assert "oracle" not in line


def test_the_cheapest_other_predictor_is_named_and_judged(comparison):
    record, _ = comparison
    line = next(text for text in record.verdict if text.startswith("Which way it changes, against"))
    assert "sts_icl beats useless (no pass over the model" in line
    recommended = next(text for text in record.verdict if text.startswith("Which way it changes, recommended"))
    assert "recommended: exact" in recommended


def test_nothing_is_recommended_where_nothing_is_shown_to_work():
    rng = np.random.default_rng(3)
    y, x, z = rng.normal(size=(3, 6, 14))
    record = compare_runs(outcomes(y, {"sts_icl": x, "z": z}, models=["a", "b"], sets=list("uvw")), **FEW)
    line = next(text for text in record.verdict if text.startswith("Which way it changes, recommended"))
    assert line.endswith("none; no predictor is shown to work.")


def test_one_run_works_and_says_how_little_it_says():
    y, noise = planted(n_models=1, n_sets=1)
    record = compare_runs(outcomes(y, {"sts_icl": y + noise, "z": noise}, models=["a"], sets=["u"]), **FEW)
    assert record.added == ()
    assert "One run over 14 domains says little (|r| must reach 0.53" in record.verdict[0]
    row = record.table("which_way", "accuracy").row("z")
    x, z = y[0] + noise[0], noise[0]
    r = stats.pearsonr(z, y[0])
    assert row.r == pytest.approx(r.statistic)
    assert row.hksj == pytest.approx(tuple(r.confidence_interval(0.95)))
    assert 0 < row.from_reference.p_williams < 1
    assert row.from_reference.difference == pytest.approx(r.statistic - stats.pearsonr(x, y[0]).statistic)
    assert record.table("which_set", "accuracy") is None


def test_an_unknown_reference_and_too_few_resamples_are_refused():
    y, _ = planted(n_models=1, n_sets=1)
    made = outcomes(y, {"sts_icl": y}, models=["a"], sets=["u"])
    with pytest.raises(UserError, match=r"no run has a predictor 'sts'.*one of sts_icl"):
        compare_runs(made, reference="sts")
    with pytest.raises(UserError, match="at least 100"):
        compare_runs(made, n_resamples=10)


def test_equal_seeds_give_equal_records():
    y, noise = planted(n_models=2, n_sets=3)
    made = outcomes(y, {"sts_icl": y + noise, "z": noise}, models=["a", "b"], sets=list("uvw"))
    first, second = (compare_runs(made, n_resamples=100, seed=4) for _ in range(2))
    assert first.model_copy(update={"created": ""}) == second.model_copy(update={"created": ""})
