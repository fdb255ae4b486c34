"""Finished comparisons beside the snapshot: served again, and never a stale one."""

import json
import os

import pytest
from helpers.outcomes import outcomes, planted

from sts_eval.analysis.compare import compare_runs
from sts_eval.store import comparisons
from sts_eval.store.comparisons import FOLDER, Comparisons, key
from sts_eval.store.files import Files

RUNS = ("a" * 64, "b" * 64)


@pytest.fixture(scope="module")
def comparison():
    change, noise = planted(n_models=1, n_sets=2, n_domains=5, seed=0)
    return compare_runs(outcomes(change, {"sts_icl": change + noise}, models=["m"], sets=["s", "t"]), n_resamples=100)


@pytest.fixture
def kept(tmp_path, comparison):
    found = Comparisons(Files(str(tmp_path)))
    found.keep(RUNS, comparison)
    return found


def test_it_is_read_back_whole_in_any_order_of_the_runs(kept, comparison):
    assert kept.read(RUNS, 100) == kept.read(RUNS[::-1], 100) == comparison
    assert kept.read(RUNS[:1], 100) is None
    assert kept.read(RUNS, 500) is None


def test_one_by_other_rules_is_not_served(kept, monkeypatch):
    monkeypatch.setattr(comparisons, "RULES", "1 0.0.0")
    assert kept.read(RUNS, 100) is None


@pytest.mark.parametrize(
    ("name", "value"), [("rules", "0"), ("submissions", ["c" * 64]), ("n_resamples", 50), ("comparison", {})]
)
def test_one_that_says_that_it_follows_from_something_else_is_not_served(kept, tmp_path, name, value):
    file = tmp_path / FOLDER / f"{key(RUNS, 100)}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    assert kept.read(RUNS, 100) is None


def test_the_oldest_go_first(tmp_path, comparison, monkeypatch):
    monkeypatch.setattr(comparisons, "MOST_KEPT", 2)
    kept = Comparisons(Files(str(tmp_path)))
    for number, run in enumerate("abc"):
        kept.keep([run * 64], comparison)
        os.utime(tmp_path / FOLDER / f"{key([run * 64], 100)}.json", (number, number))
    kept.keep(["d" * 64], comparison)
    assert [run for run in "abcd" if kept.read([run * 64], 100)] == ["c", "d"]


def test_a_folder_that_cannot_be_written_and_a_hub_keep_nothing(tmp_path, comparison):
    (tmp_path / "file").write_text("")
    for url in (str(tmp_path / "file" / "store"), "memory://comparisons"):
        kept = Comparisons(Files(url))
        kept.keep(RUNS, comparison)
        assert kept.read(RUNS, 100) is None
