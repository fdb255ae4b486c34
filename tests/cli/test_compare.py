"""`sts-eval compare` as a user meets it."""

import csv

import pytest
from helpers.outcomes import outcomes, planted
from helpers.small_run import call

from sts_eval.records.comparison import Comparison
from sts_eval.records.outcome import write_outcomes


@pytest.fixture
def runs(tmp_path):
    y, noise = planted(n_models=2, n_sets=3, n_domains=8)
    made = outcomes(y, {"sts_icl": y + noise, "rival": noise}, models=["a", "b"], sets=list("uvw"))
    write_outcomes(tmp_path / "runs.jsonl", made)
    return tmp_path / "runs.jsonl"


def test_prints_the_answers_and_writes_the_files_it_names(runs, tmp_path):
    folder = tmp_path / "out"
    code, out, err = call("compare", runs, "-o", folder, "--resamples", 100, "--reference", "rival")
    assert code == 0, err
    assert "6 runs of 2 models and 3 training sets" in out
    record = Comparison.read(folder / "comparison.json")
    assert (record.reference, record.n_resamples) == ("rival", 100)
    for name in ("comparison.json", "comparison.md", "comparison.csv", "forest.png", "panels.png"):
        assert (folder / name).is_file()
        assert name in "".join(out.split())


def test_prints_without_writing(runs, tmp_path):
    code, out, _ = call("compare", runs, "--resamples", 100, "--all")
    assert code == 0
    assert "log-probability" in out
    assert list(tmp_path.iterdir()) == [runs]


def test_data_for_programs(runs, tmp_path):
    code, out, err = call("compare", runs, "--resamples", 100, "-o", "-")
    assert code == 0
    assert "comparing predictors: questions: 0 of" in err
    assert all(line.startswith("[0:") for line in err.splitlines())  # nothing but progress
    record = Comparison.from_json(out)
    code, out, _ = call("compare", runs, "--resamples", 100, "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == sum(len(table.rows) for table in record.tables)
    assert list(tmp_path.iterdir()) == [runs]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nowhere"], "there is no run nowhere"),
        ([__file__], "is a file, and no .jsonl of outcomes. Give the folder of a finished run"),
        (["{runs}", "--reference", "none"], "no run has a predictor 'none'"),
        (["{runs}", "--resamples", "5"], "5 resamples are too few for an interval"),
        (["{runs}", "{runs}"], "hold the same prediction and transfer"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(runs, options, says):
    code, _, err = call("compare", *(option.format(runs=runs) for option in options))
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) == 1
