"""`sts-eval init --matrix` and what `sts-eval sweep` says before and after the work."""

import sys

import pytest
from helpers.small_run import call
from helpers.sweeps import InOrder, Scripted, hub_matrix

import sts_eval
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec
from sts_eval.sweeps.matrix import matrix_template, read_matrix


def written(folder, matrix):
    path = folder / "matrix.yaml"
    path.write_text(matrix_template(matrix), encoding="utf-8")
    return path


def test_init_writes_a_matrix_that_the_sweep_plans(tmp_path):
    for options, runs in ((["--lab"], "3 runs"), ([], "4 runs")):
        path = tmp_path / f"matrix{len(options)}.yaml"
        ended = call("init", *options, "--matrix", path)
        assert f"Next: sts-eval sweep {path}" in ended.out
        assert read_matrix(path).expand()
        assert runs in call("sweep", path, "--dry-run").out
    again = call("init", "--matrix", path)
    assert (again.code, "is there already" in again.err) == (2, True)


def test_a_dry_run_counts_what_is_shared_and_writes_nothing(tmp_path):
    ended = call("sweep", written(tmp_path, hub_matrix()), "--folder", tmp_path / "sweep", "--dry-run")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ended.out.splitlines() if "│" in line]
    assert rows == [
        ["predict", "12", "0", "12", "0"],
        ["before", "12", "10", "2", "0"],
        ["tune", "24", "12", "12", "0"],
        ["after", "24", "12", "12", "0"],
        ["report", "12", "0", "12", "0"],
        ["all", "84", "34", "50", "0"],
    ]
    assert not (tmp_path / "sweep").exists()


def test_runs_of_several_saes_are_compared_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("sts_eval.cli.sweep.Local", Scripted)
    ended = call("sweep", written(tmp_path, hub_matrix()), "--folder", tmp_path / "sweep")
    assert ended.code == 0, ended.err
    lines = [line for line in ended.out.splitlines() if line.startswith("Next: sts-eval compare")]
    # Two models on three sets each, with the first SAE of each model and then with the second.
    assert [len(line.split()) - 3 for line in lines] == [6, 6]
    assert "layer-9" in lines[0]
    assert "layer-20" in lines[1]


def test_runs_on_several_benchmarks_are_compared_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("sts_eval.cli.sweep.Local", Scripted)
    was = hub_matrix()
    two = was.model_copy(update={"benchmarks": (*was.benchmarks, BenchmarkSpec(source="org/exam"))})
    ended = call("sweep", written(tmp_path, two), "--folder", tmp_path / "sweep")
    lines = [line for line in ended.out.splitlines() if line.startswith("Next: sts-eval compare")]
    assert [(len(line.split()) - 3, line.count("-exam-")) for line in lines] == [(6, 0), (6, 0), (6, 6), (6, 6)]


def test_predictions_alone_end_with_the_command_that_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("sts_eval.cli.sweep.Local", Scripted)
    file, folder = written(tmp_path, hub_matrix()), tmp_path / "sweep"
    ended = call("sweep", file, "--folder", folder, "--predict-only")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, f"Next: sts-eval sweep {file} --folder {folder}")


def test_ray_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = call("sweep", written(tmp_path, hub_matrix()), "--folder", tmp_path / "sweep", "--ray")
    assert (ended.code, "pip install 'sts-eval[ray]'" in ended.err) == (2, True)


def test_what_went_wrong_is_shown_with_its_log_and_the_way_on(tmp_path, monkeypatch):
    file, folder = written(tmp_path, hub_matrix(retries=0)), tmp_path / "sweep"
    name = f"predict-{hub_matrix().expand()[0][0]}"
    monkeypatch.setattr("sts_eval.cli.sweep.Local", lambda: Scripted({name: ["broken"]}))
    ended = call("sweep", file, "--folder", folder)
    assert ended.code == 3
    assert f"quarantined {name}, 2 s: broken on purpose ({folder}/logs/{name}-1.log)" in ended.err
    assert f"sts-eval sweep {file} --folder {folder} --retry" in ended.err
    monkeypatch.setattr("sts_eval.cli.sweep.Local", Scripted)
    assert call("sweep", file, "--folder", folder).code == 3
    assert call("sweep", file, "--folder", folder, "--retry").code == 0


def test_a_wrong_file_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("sts_eval.cli.sweep.Local", InOrder)
    ended = call("sweep", tmp_path / "nowhere.yaml")
    assert (ended.code, "sts-eval init --matrix" in ended.err) == (2, True)


def test_from_python_stages_come_as_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr("sts_eval.sweeps.local.Local", Scripted)
    stages = sts_eval.sweep(written(tmp_path, hub_matrix()), tmp_path / "sweep", predict_only=True)
    assert set(stages[stages.standing == "done"].kind) == {"predict"}
    assert (stages.standing == "done").sum() == 12
    with pytest.raises(UserError, match="Pass folder="):
        sts_eval.sweep(hub_matrix())
