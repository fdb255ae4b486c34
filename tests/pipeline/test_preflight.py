"""What later stages need is checked before the first: one line, exit code 2, nothing made."""

import re
import shutil
from collections import namedtuple

import pytest
from helpers import small_run
from helpers.small_run import call, copied, write_experiment
from safetensors.torch import load_file

from sts_eval import lab, preflight
from sts_eval.errors import UserError
from sts_eval.preflight import trained_bytes
from sts_eval.records.claim import claimed, own_claim


def refused(folder, **changes):
    """The one line that a run of the changed experiment ends with."""
    ended = call("run", write_experiment(folder / "small.yaml", **changes), "--folder", folder / "runs" / "small")
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    (line,) = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert not [path for path in (folder / "runs").rglob("*") if path.is_file()]
    return line


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"measure": {"backend": "vllm"}}, "the backend 'vllm' needs the package vllm. pip install vllm."),
        (
            {"measure": {"backend": "hff"}},
            "lm-eval has no backend 'hff'. Set measure.backend to hf, hf-packed or vllm.",
        ),
        ({"measure": {"task": "sts_lab"}}, "does not score each question 0 or 1"),
        ({"benchmark": {"domains": ("math", "law")}}, "has questions of 2 of the 2 domains to predict"),
        ({"settings": {"predictors": ("lexicall",)}}, "lexicall"),
        ({"tune": {"report_to": ("tensorbord",)}}, "tune.report_to names 'tensorbord', which is not installed"),
        ({"tune": {"targets": ("q_prj",)}}, "the model cannot be trained with these settings"),
        ({"model": {"adapter": "anywhere"}}, "a model with an adapter cannot be tuned further"),
    ],
    ids=["package", "backend", "STS as measure", "domains", "predictor", "logs", "targets", "adapter"],
)
def test_a_mistake_in_a_later_stage_costs_seconds(calls, tmp_path, changes, says):
    assert says in refused(tmp_path, **changes)
    assert calls == {}


def test_a_word_as_batch_size(tmp_path):
    file = write_experiment(tmp_path / "small.yaml")
    file.write_text(file.read_text().replace("batch_size: '64'", "batch_size: many"))
    ended = call("run", file, "--folder", tmp_path / "runs" / "small")
    assert ended.code == 2
    assert "'many' is neither a number of rows nor auto" in ended.err
    assert not (tmp_path / "runs").exists()


def test_a_disk_that_is_too_full(calls, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage(1, 1, 12_345_678 // 100))
    assert "has 0.0 GB of free space, and 2 tuned seeds with their checkpoints need about" in refused(tmp_path)
    assert calls == {}


def test_the_size_of_a_seed_is_that_of_its_file(finished):
    (file,) = (finished.runs / "small" / "tuning").glob("seed-0-*/weights/adapter_model.safetensors")
    described = small_run.experiment()
    header = 8 + int.from_bytes(file.read_bytes()[:8], "little")
    assert trained_bytes(described.model, described.tune) == file.stat().st_size - header
    whole = trained_bytes(described.model, described.tune.model_copy(update={"method": "full"}))
    weights = load_file(lab.model_path() / "model.safetensors").values()
    assert whole == 4 * sum(one.numel() for one in weights)


def test_a_changed_tuning_of_a_run_that_is_there_is_checked_too(finished, calls, tmp_path):
    folder = copied(finished.runs, tmp_path / "runs")
    file = write_experiment(tmp_path / "small.yaml", tune={"rank": 2}, measure={"backend": "hff"})
    ended = call("run", file, "--folder", folder)
    assert ended.code == 2
    assert "lm-eval has no backend 'hff'" in ended.err
    assert calls == {}


def test_two_runs_in_one_folder(tmp_path):
    file, folder = write_experiment(tmp_path / "small.yaml"), tmp_path / "runs" / "small"
    with claimed(folder / ".running.json", own_claim(), "Wait"):
        for words in (["run", file], ["stage", "finetune", file]):
            ended = call(*words, "--folder", folder)
            assert ended.code == 2
            assert "is in use by process" in ended.err
            assert "give another --folder" in ended.err
    assert not list(folder.rglob("*.json"))


def test_a_run_without_a_terminal_tells_of_every_stage(finished):
    lines = [line.partition("] ")[2] for line in finished.ended.err.splitlines()]
    for start in (
        "checking what all stages need",
        "loading the model and the SAE",
        "step 1: training questions, seed 0: ",
        "step 2: questions of all domains: ",
        "fine-tuning, seed 0, steps: 0 of 2",
        "fine-tuning, seed 1, steps: 0 of 2",
        "answers before fine-tuning",
        "answers after fine-tuning, seed 1",
        "overlap: ",
        "report",
    ):
        assert any(line.startswith(start) for line in lines), start
    plan, *told = finished.ended.err.splitlines()
    assert plan == ("Now: prediction. Next: fine-tuning (2 seeds), accuracy before and after, report.")
    assert sum(not line.startswith("[0:0") for line in told) == 1  # that the prediction is kept, and what comes next


def test_check_says_in_a_table_what_is_wrong_and_how_to_mend_it(calls, tmp_path):
    file = write_experiment(
        tmp_path / "small.yaml",
        training_set={"source": str(tmp_path / "missing.jsonl")},
        model={"id": str(tmp_path / "model")},
        measure={"backend": "hff"},
    )
    ended = call("check", file, "--folder", tmp_path / "runs" / "small")
    assert ended.code == 2
    assert re.search(r"benchmark +│ ok +│ 5 domains, [0-9,]+ questions", ended.out)
    for name, problem, remedy in (
        ("training set", "missing.jsonl", "→"),
        ("model", "there is no model folder", "→ Give a folder in the Hugging Face format"),
        ("task that measures", "lm-eval has no backend 'hff'", "→ Set measure.backend to hf"),
    ):
        assert re.search(rf"{name} +│ wrong", ended.out)
        assert problem in ended.out
        assert remedy in ended.out
    assert not (tmp_path / "runs").exists()
    assert ended.out.count(" wrong ") == 3  # what waits for the training set is not told a second time
    assert re.search(r"fine-tuning +│ not made +│ waits for: training set", ended.out)
    waiting = ended.out.count(" not made ")
    assert f"3 of 9 checks failed and {waiting} could not be made because of that" in ended.err
    assert "would fail" in ended.err
    assert calls == {}


def test_a_training_set_that_cannot_be_read_is_asked_for_once(monkeypatch, calls, tmp_path):
    asked = []

    def unreachable(spec):
        asked.append(spec.source)
        raise UserError("the hub cannot be reached", "Retry online")

    monkeypatch.setattr(preflight, "load_training_set", unreachable)
    ended = call("check", write_experiment(tmp_path / "small.yaml"), "--folder", tmp_path / "runs" / "small")
    assert ended.code == 2
    assert ended.out.count("the hub cannot be reached") == 1
    assert ended.out.count("waits for: training set") == 2
    assert len(asked) == 1


def test_check_of_a_run_that_can_be_done(calls, tmp_path):
    ended = call("check", write_experiment(tmp_path / "small.yaml"), "--folder", tmp_path / "runs" / "small")
    assert ended.code == 0, ended.err
    assert " wrong " not in ended.out
    assert "fine-tuning" in ended.out
    assert "of the disk" in ended.out
    assert not (tmp_path / "runs").exists()
    assert f"Next: sts-eval run {tmp_path / 'small.yaml'}" in ended.out
    assert calls == {}
