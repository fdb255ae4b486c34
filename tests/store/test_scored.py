"""What a board's tables say of a predictor is what a comparison of the same runs says."""

import numpy as np
import pytest
from helpers.board import fill

from sts_eval.analysis.breakdown import overall
from sts_eval.analysis.compare import compare_runs
from sts_eval.errors import UserError
from sts_eval.statistics import correlate
from sts_eval.store.scored import run_correlations, scored
from sts_eval.store.store import Store

QUESTIONS = ("how_much", "how_much_debiased", "which_way", "which_way_away", "which_set", "which_set_away")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("store")))
    fill(store)
    board = store.board()
    shas = tuple(sorted(board.runs.query("origin == 'measured'")["sha256"]))
    return board, shas, compare_runs([one.outcome for one in store.read_all(shas)], n_resamples=200, single=False)


@pytest.mark.parametrize("measure", ["accuracy", "logprob"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_figures_are_those_of_a_comparison(made, question, measure):
    board, shas, comparison = made
    table = comparison.table(question, measure)
    for name in ("sts_icl", "prompt_length"):
        found = overall(scored(board, shas, name, question, measure), n_resamples=200)
        row = table.row(name)
        assert found.r == pytest.approx(row.r)
        assert found.interval == pytest.approx(row.bootstrap)
        assert (found.n_runs, found.n_points) == (row.n_runs, row.n_points)


def test_a_runs_own_r_is_that_over_its_domains(made):
    board, shas, _ = made
    for question in ("how_much", "which_way", "which_way_away"):
        every = run_correlations(board, "sts_icl", question, "accuracy")
        arrays = scored(board, shas, "sts_icl", question, "accuracy")
        for row, sha in enumerate(shas):
            known = np.isfinite(arrays.outcome[row])
            single = correlate(arrays.scores[row][known], arrays.outcome[row][known])
            assert every.loc[sha, "r"] == pytest.approx(single.pearson)
            assert every.loc[sha, "low"] == pytest.approx(single.fisher.low)
    assert run_correlations(board, "sts_icl", "which_set", "accuracy")["r"].isna().all()
    assert run_correlations(board, "nobody", "which_way", "accuracy")["r"].isna().all()


def test_a_predictor_that_nobody_has_is_told(made):
    board, shas, _ = made
    with pytest.raises(UserError, match="no run here has scores of nobody"):
        scored(board, shas, "nobody", "which_way", "accuracy")


def test_the_lab_is_told_by_its_benchmark(made):
    from sts_leaderboard.app import seeded_store

    assert not made[0].runs["lab"].any()
    seeded = seeded_store().board().runs
    assert set(seeded.loc[seeded["lab"], "origin"]) == {"measured"}
    assert set(seeded.loc[~seeded["lab"], "benchmark"]) == {"mmlu_pro", "mmlu_rest-options"}
