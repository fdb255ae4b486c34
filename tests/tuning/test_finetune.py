"""Real LoRA on the lab's model: what is saved, what is recorded, and what happens when things go wrong."""

import json
import math
import shutil

import pytest
import torch
from peft import PeftModel
from trl.trainer.sft_trainer import SFTTrainer

from sts_eval.data.benchmark import Benchmark, Domain, Question
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.load import load_model
from sts_eval.records.tuning import Tuning
from sts_eval.tuning.finetune import finetune
from sts_eval.tuning.training import cut_batch


def test_the_record(tuned, tmp_path):
    record, _ = tuned
    assert [run.seed for run in record.runs] == [0, 1]
    assert record.prediction.created == "2026-01-01T00:00:00+00:00"
    assert record.started == min(run.started for run in record.runs)
    for run in record.runs:
        assert (run.steps, run.n_rows, run.n_held_out) == (2, 54, 6)
        assert (run.per_device_batch, run.accumulation, run.processes) == (4, 2, 1)
        assert 0 < run.loss_after < run.loss_before
        assert run.changed
    assert record.changed
    assert '"grpo"' not in record.canonical()  # so that records of other methods keep their hashes
    assert '"reinforcement"' not in record.canonical()
    record.write(tmp_path / "tuning.json")
    assert Tuning.read(tmp_path / "tuning.json") == record


def test_seeds_differ(tuned):
    record, _ = tuned
    assert record.runs[0].weights_sha256 != record.runs[1].weights_sha256
    assert record.runs[0].loss_before == record.runs[1].loss_before


def test_what_is_saved(tuned, model):
    record, folder = tuned
    names = {path.name for path in (folder / record.runs[0].folder / "weights").iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "README.md"} <= names
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    assert {path.name for path in folder.iterdir()} == {run.folder for run in record.runs}
    network = PeftModel.from_pretrained(
        load_model(model, for_training=True), folder / record.runs[0].folder / "weights"
    )
    trained = [weight for name, weight in network.named_parameters() if "lora_B" in name]
    assert len(trained) == 7 * 4
    assert all(weight.abs().max() > 0 for weight in trained)


def test_a_seed_is_trained_once(tuned, model, mathematics, quick, monkeypatch):
    record, folder = tuned
    monkeypatch.setattr(SFTTrainer, "train", None)
    assert finetune(model, mathematics, quick, folder).runs == record.runs


def test_a_killed_seed_starts_again(tuned, model, mathematics, quick, tmp_path):
    record, _ = tuned
    run = record.runs[0]
    half = tmp_path / f".{run.folder}.tmp" / "weights"
    half.mkdir(parents=True)
    (half / "adapter_model.safetensors").write_bytes(b"half")
    one = quick.model_copy(update={"seeds": (0,)})
    (again,) = finetune(model, mathematics, one, tmp_path).runs
    assert again.folder == run.folder
    assert again.weights_sha256 == run.weights_sha256
    assert {path.name for path in tmp_path.iterdir()} == {run.folder}


def test_other_settings_are_another_run(tuned, model, mathematics, quick, tmp_path):
    record, folder = tuned
    for run in record.runs:
        shutil.copytree(folder / run.folder, tmp_path / run.folder)
    other = quick.model_copy(update={"rank": 2, "seeds": (0,)})
    (run,) = finetune(model, mathematics, other, tmp_path).runs
    assert run.folder not in {old.folder for old in record.runs}


@pytest.mark.parametrize(("held_out", "warned"), [(500, 1), (6, 0)])
def test_fewer_held_out_rows_than_asked_for_are_said(model, mathematics, quick, tmp_path, held_out, warned):
    asked = TuneSettings(**quick.model_dump() | {"held_out": held_out, "max_steps": 1, "seeds": (0,)})
    said = [line for line in finetune(model, mathematics, asked, tmp_path).warnings if "tune.held_out asks" in line]
    assert said == ["tune.held_out asks for 500 rows; 6 were held out, since at most 10% of the rows are"] * warned


def test_out_of_memory_halves_the_batch(tuned, model, mathematics, quick, tmp_path, monkeypatch):
    record, _ = tuned
    step = SFTTrainer.training_step

    def with_room_for_two(self, network, inputs, *rest):
        if len(inputs["input_ids"]) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return step(self, network, inputs, *rest)

    monkeypatch.setattr(SFTTrainer, "training_step", with_room_for_two)
    (run,) = finetune(model, mathematics, quick.model_copy(update={"seeds": (0,)}), tmp_path).runs
    assert (run.per_device_batch, run.accumulation) == (2, 4)
    # The optimiser saw the same rows, so the outcome differs by rounding only.
    assert run.loss_after == pytest.approx(record.runs[0].loss_after, abs=2e-3)


def test_out_of_memory_for_good(model, mathematics, quick, tmp_path, monkeypatch):
    def never(*_):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(SFTTrainer, "training_step", never)
    with pytest.raises(UserError, match="one training row does not fit into memory"):
        finetune(model, mathematics, quick, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_not_a_number(model, mathematics, quick, tmp_path, monkeypatch):
    step = SFTTrainer.training_step
    monkeypatch.setattr(SFTTrainer, "training_step", lambda *arguments: step(*arguments) * math.nan)
    with pytest.raises(UserError, match="the training loss is nan at step 1"):
        finetune(model, mathematics, quick, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_disk_full(model, mathematics, quick, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SFTTrainer, "save_model", full)
    with pytest.raises(UserError, match=r"seed 0 cannot be written .*No space left on device"):
        finetune(model, mathematics, quick, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_changes_nothing(model, mathematics, quick, tmp_path):
    still = quick.model_copy(update={"learning_rate": 1e-9, "max_steps": 1, "seeds": (0,)})
    record = finetune(model, mathematics, still, tmp_path)
    assert not record.changed
    assert "seed 0 changed nothing" in record.warnings[0]


def test_full_fine_tuning(model, mathematics, quick, tmp_path):
    whole = quick.model_copy(update={"method": "full", "learning_rate": 1e-3, "seeds": (0,)})
    record = finetune(model, mathematics, whole, tmp_path)
    weights = tmp_path / record.runs[0].folder / "weights"
    assert (weights / "model.safetensors").is_file()
    assert json.loads((weights / "config.json").read_text())["hidden_size"] == 192
    assert record.runs[0].loss_after < record.runs[0].loss_before


def test_contaminated_rows(model, mathematics, quick, tmp_path):
    asked = [Question("q1", "math", mathematics.examples[3].question)]
    benchmark = Benchmark("somewhere", None, {"math": Domain("math", asked, [])}, "0")
    with pytest.raises(UserError, match="1 of 60 training rows contain benchmark questions"):
        finetune(model, mathematics, quick, tmp_path, benchmark=benchmark)
    assert list(tmp_path.iterdir()) == []
    allowed = quick.model_copy(update={"allow_overlap": True, "max_steps": 1, "seeds": (0,)})
    record = finetune(model, mathematics, allowed, tmp_path, benchmark=benchmark)
    assert record.contamination.rows == (3,)
    assert (tmp_path / record.runs[0].folder / "training.json").is_file()


def test_mistakes(model, mathematics, quick, tmp_path):
    with pytest.raises(UserError, match=r"the tokenizer of .* cannot be loaded"):
        finetune(ModelSpec(id=str(tmp_path)), mathematics, quick, tmp_path / "out")
    with pytest.raises(UserError, match="a model with an adapter cannot be tuned further"):
        finetune(model.model_copy(update={"adapter": "x"}), mathematics, quick, tmp_path)
    with pytest.raises(UserError, match="cannot be trained with these settings"):
        finetune(model, mathematics, quick.model_copy(update={"targets": ("nowhere",)}), tmp_path)
    with pytest.raises(ValueError, match="a seed occurs twice"):
        TuneSettings(seeds=(1, 1))


@pytest.mark.parametrize(
    ("rows", "most", "processes", "cut"),
    [(256, 8, 1, (8, 32)), (256, 8, 4, (8, 8)), (12, 8, 1, (6, 2)), (4, 8, 2, (2, 1)), (7, 4, 1, (1, 7))],
)
def test_a_batch_is_cut_evenly(rows, most, processes, cut):
    per_device, accumulation = cut_batch(rows, most, processes)
    assert (per_device, accumulation) == cut
    assert per_device * accumulation * processes == rows


def test_an_uneven_batch():
    with pytest.raises(UserError, match="10 rows cannot be shared evenly among 4 processes"):
        cut_batch(10, 8, 4)
