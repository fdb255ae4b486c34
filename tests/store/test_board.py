"""Many runs at once: the same figures as one at a time. How soon, `benchmarks/board_load.py` says."""

import numpy as np
import pytest
from helpers.submissions import submission

from sts_eval.statistics import correlate
from sts_eval.store import snapshot
from sts_eval.store.board import MOST_PREDICTORS, Board
from sts_eval.store.correlations import correlations
from sts_eval.store.ledger import LedgerState

RUNS, DOMAINS, PREDICTORS = 200, 14, 45


def made_rows(n_runs, rng, n_predictors=PREDICTORS):
    base = snapshot.row("0" * 64, submission(evidence=False), "self_reported", 1000)
    per_domain = {name: np.ones(DOMAINS) for name in ("accuracy_before", "se", "logprob_delta", "logprob_se")}
    per_predictor = {name: np.ones(n_predictors) for name in ("seconds", "passes", "backward_passes")}
    words = {name: ["word"] * n_predictors for name in ("group", "flags", "summary")}
    shared = {
        **base,
        **per_domain,
        **per_predictor,
        **words,
        "domain": [f"d{place}" for place in range(DOMAINS)],
        "n": np.full(DOMAINS, 100),
        "predictor": ["sts_icl", *(f"p{place}" for place in range(1, n_predictors))],
    }
    for number in range(n_runs):
        yield {
            **shared,
            "sha256": f"{number:064x}",
            "prediction_sha256": f"{number:064x}",
            "delta": rng.normal(size=DOMAINS),
            "by_seed": rng.normal(size=3 * DOMAINS),
            "score": rng.normal(size=DOMAINS * n_predictors),
        }


def table(rows):
    content = snapshot.to_table(rows)
    accepted = LedgerState("accepted", "2026-01-01T00:00:00+00:00")
    return snapshot.add_states(content, dict.fromkeys(content.column("sha256").to_pylist(), accepted), {})


def test_all_tables_come_back_from_the_snapshot():
    content = snapshot.to_bytes(table(made_rows(RUNS, np.random.default_rng(0))), {"state": "x"})
    rows, _ = snapshot.from_bytes(content)
    board = Board(rows, (), {}, "x")
    assert (len(board.runs), len(board.points), len(board.predictors)) == (RUNS, RUNS * DOMAINS, PREDICTORS)
    assert len(board.costs) == RUNS * PREDICTORS
    few, remembered = snapshot.from_bytes(content, ["sha256", "status"])
    assert few.equals(rows.select(["sha256", "status"]))
    assert remembered["state"] == "x"


def test_scores_come_to_the_points_that_they_were_given_for():
    rows = list(made_rows(20, np.random.default_rng(1)))
    for row in rows[::3]:  # other predictors, and fewer
        row["predictor"] = row["predictor"][:7][::-1]
        for name in ("group", "flags", "summary", "seconds", "passes", "backward_passes"):
            row[name] = row[name][:7]
        row["score"] = row["score"][: 7 * DOMAINS]
    points = Board(table(rows), (), {}, "x").points
    for row in rows:
        mine = points[points["sha256"] == row["sha256"]]
        for place, name in enumerate(row["predictor"]):
            np.testing.assert_array_equal(mine[name], row["score"][place * DOMAINS : (place + 1) * DOMAINS])
        silent = set(points.columns[8:]) - set(row["predictor"])
        assert mine[list(silent)].isna().all(axis=None)


def test_one_submission_cannot_widen_the_table_without_end():
    rng = np.random.default_rng(2)
    rows = [*made_rows(2, rng), *({**row, "sha256": "f" * 64} for row in made_rows(1, rng, 400))]
    rows[2]["predictor"] = [f"mine{place}" for place in range(400)]
    board = Board(table(rows), (), {}, "x")
    assert len(board.predictors) == MOST_PREDICTORS
    assert {"sts_icl", "p44"} <= set(board.predictors.index)
    assert set(board.points.columns[8:]) == set(board.predictors.index)


def test_correlations_of_many_runs_are_those_of_each():
    rng = np.random.default_rng(3)
    sizes = [14, 8, 4, 3, 14, 14]
    run = np.repeat(np.arange(len(sizes)), sizes)
    x, y = rng.normal(size=len(run)), rng.normal(size=len(run))
    x[run == 4] = 7.0
    x[np.flatnonzero(run == 5)[:4]] = np.nan
    found = correlations(run, x, y, len(sizes) + 1)
    for place, defined in enumerate([True, True, True, False, False, True]):
        mine = (run == place) & np.isfinite(x)
        assert np.isfinite(found.r[place]) == defined
        if defined:
            wanted = correlate(x[mine], y[mine], n_resamples=100)
            assert found.r[place] == pytest.approx(wanted.pearson)
            assert (found.low[place], found.high[place]) == pytest.approx((wanted.fisher.low, wanted.fisher.high))
    assert np.isnan(found.r[-1])
