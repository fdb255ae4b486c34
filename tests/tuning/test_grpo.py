"""Reinforcement learning: trl's advantages and our figures by hand, and short real runs on the lab's model."""

import math

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import TrainerCallback

from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings
from sts_eval.model.load import load_model
from sts_eval.preflight import check_tuning
from sts_eval.records.tuning import Reinforcement, Tuning
from sts_eval.tuning import grpo, training
from sts_eval.tuning.finetune import finetune, moved
from sts_eval.tuning.grpo import divergence, standard_error

DIALS = {"max_completion_tokens": 6, "num_generations": 4}
SETTINGS = TuneSettings(
    method="grpo",
    grpo=DIALS,
    max_steps=3,
    batch=16,
    per_device_batch=8,
    held_out=4,
    learning_rate=5e-3,
    warmup=0,
    rank=4,
    seeds=(0,),
)


@pytest.fixture(scope="module")
def reinforced(model, mathematics, tmp_path_factory) -> Tuning:
    """Three steps of sixteen answers."""
    folder = tmp_path_factory.mktemp("reinforced")
    return finetune(model, mathematics, SETTINGS, folder), folder


def test_divergence_by_hand():
    """KL((1/2, 1/2) ‖ (1/4, 3/4)) = log 2 − (log 3)/2; of equal distributions 0. The mean is over the two tokens."""
    tuned = torch.log(torch.tensor([[0.5, 0.5], [0.9, 0.1]]))
    untuned = torch.log(torch.tensor([[0.25, 0.75], [0.9, 0.1]]))
    assert divergence(tuned, untuned) == pytest.approx((math.log(2) - math.log(3) / 2) / 2, rel=1e-5)
    assert divergence(untuned, untuned) == 0


def test_error_of_a_change_by_hand():
    """Changes of three rows 0, 1/2 and 1: standard deviation 1/2, of their mean 1/(2√3)."""
    assert standard_error(np.array([0.0, 0.5, 1.0])) == pytest.approx(1 / (2 * math.sqrt(3)))
    assert standard_error(np.array([0.5])) is None


def found(**figures):
    return Reinforcement(
        **{name: 0.0 for name in Reinforcement.model_fields if name != "answers"} | {"answers": 4} | figures
    )


def test_what_counts_as_moved():
    assert not moved(found(reward_after=0.02, reward_change_se=0.011))
    assert moved(found(reward_after=0.02, reward_change_se=0.01))
    assert not moved(found(reward_after=1.0, reward_change_se=None, kl=0.009))
    assert moved(found(kl=0.01))


def test_advantages_are_those_of_the_paper(model, mathematics, tmp_path, monkeypatch):
    """Rewards 1, 0, 0, 1 of a group: mean 1/2, standard deviation of the sample 1/√3, so ±(1/2)/(1/√3 + 1e-4)."""
    seen = []

    class Watched(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            logs = trainers[0]._logs
            seen.append((list(logs["rewards"]["rewarded"]), list(logs["advantages"])))

    trainers = []
    real = grpo.GRPOTrainer

    def made(**named):
        named["reward_funcs"] = rewarded
        trainers.append(real(**named, callbacks=[Watched()]))
        return trainers[0]

    def rewarded(prompts, log_metric, **_further):
        log_metric("cut", 0.0)
        assert [prompts[start : start + 4] for start in range(0, 16, 4)] == [[one] * 4 for one in prompts[::4]]
        return [1.0, 0.0, 0.0, 1.0] * 4

    monkeypatch.setattr(grpo, "GRPOTrainer", made)
    finetune(model, mathematics, SETTINGS.model_copy(update={"max_steps": 1}), tmp_path)
    ((rewards, advantages),) = seen
    assert rewards == [1.0, 0.0, 0.0, 1.0] * 4
    one = 0.5 / (1 / math.sqrt(3) + 1e-4)
    assert one == pytest.approx(0.86588, abs=1e-5)
    assert advantages == pytest.approx([one, -one, -one, one] * 4, rel=1e-5)


def test_the_record(reinforced, tmp_path):
    record, folder = reinforced
    (run,) = record.runs
    assert (run.steps, run.n_held_out, run.per_device_batch, run.accumulation) == (3, 4, 8, 2)
    one = run.reinforcement
    assert record.settings.grpo.model_dump() == {
        **DIALS,
        "reward": "exact",
        "beta": 0.04,
        "temperature": 1.0,
        "loss_type": "grpo",
    }
    assert one.answers == 4
    assert one.solutions_reward == 1  # the lab's solutions open with the answer
    for share in (one.reward_before, one.reward_after, one.reward_first, one.reward_last):
        assert (16 * share) % 1 == pytest.approx(0)  # of 16 answers to held-out rows, and of 16 in a step
    assert one.kl > 0
    assert one.reward_change_se is not None
    assert 0 <= one.cut_before <= 1
    record.write(tmp_path / "tuning.json")
    assert Tuning.read(tmp_path / "tuning.json") == record
    network = PeftModel.from_pretrained(load_model(record.model, for_training=True), folder / run.folder / "weights")
    assert all(weight.abs().max() > 0 for name, weight in network.named_parameters() if "lora_B" in name)


def test_a_killed_run_goes_on_to_the_same_weights(reinforced, model, mathematics, tmp_path, monkeypatch):
    record, _ = reinforced
    (unbroken,) = record.runs
    real = grpo.GRPOTrainer

    class Ending(TrainerCallback):
        def on_substep_end(self, args, state, control, **kwargs):
            if state.global_step == 2:
                raise KeyboardInterrupt

    def made(**named):
        return real(**named, callbacks=[Ending()])

    with monkeypatch.context() as changed:
        changed.setattr(grpo, "GRPOTrainer", made)
        changed.setattr(training, "CHECKPOINT_EVERY", 0.0)
        with pytest.raises(KeyboardInterrupt):
            finetune(model, mathematics, SETTINGS, tmp_path)
    assert not list(tmp_path.glob("seed-*"))
    told = []
    (run,) = finetune(model, mathematics, SETTINGS, tmp_path, progress=lambda *step: told.append(step)).runs
    assert next(done for stage, done, _ in told if stage == "fine-tuning, seed 0, steps") == 2
    assert run.weights_sha256 == unbroken.weights_sha256
    assert run.reinforcement == unbroken.reinforcement
    assert {path.name for path in tmp_path.iterdir()} == {run.folder}


def test_a_reward_that_fails_in_training_leaves_nothing(model, mathematics, tmp_path, monkeypatch):
    calls = []
    same = grpo.Reinforced._reward

    def fails(self, **given):
        calls.append(len(given["prompts"]))
        if len(calls) == 2:
            raise UserError("the reward mine:own raises ValueError: no (training row 3, counted from 0)", "Mend it")
        return same(self, **given)

    monkeypatch.setattr(grpo.Reinforced, "_reward", fails)
    with pytest.raises(UserError, match="training row 3"):
        finetune(model, mathematics, SETTINGS, tmp_path)
    assert calls == [16, 16]
    assert list(tmp_path.iterdir()) == []


def changed(**changes):
    grpo_changes = changes.pop("grpo", {})
    dials = SETTINGS.grpo.model_copy(update=grpo_changes)
    return SETTINGS.model_copy(update={"grpo": dials, **changes})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (changed(batch=18), "a batch of 18 answers cannot be cut into groups of 4 .* such as 16"),
        (changed(batch=256), r"56 rows to train on are fewer than the 64 questions of one step .* at most 224"),
        (changed(grpo={"max_completion_tokens": 1020}), "exceed the model's context of 1024"),
        (changed(grpo={"reward": "no_such:thing"}), "'no_such' of the reward cannot be imported"),
    ],
)
def test_what_cannot_be_trained_is_told_before(model, mathematics, tmp_path, settings, said):
    with pytest.raises(UserError, match=said):
        check_tuning(model, mathematics, settings, tmp_path)
    with pytest.raises(UserError, match=said):
        finetune(model, mathematics, settings, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_answers_that_never_end_are_cut_and_counted(model, mathematics, tmp_path):
    settings = changed(grpo={"max_completion_tokens": 1}, max_steps=1, learning_rate=1e-9)
    record = finetune(model, mathematics, settings, tmp_path)
    (run,) = record.runs
    assert run.reinforcement.cut_training == run.reinforcement.cut_before == 1
    assert run.reinforcement.reward_change == 0
    assert not run.changed
    assert any("100% of the answers in training were cut" in line for line in record.warnings)
    assert any("changed nothing: the reward of held-out rows" in line for line in record.warnings)
