"""The probe against the trainer of the real run; the columns by hand and on exact curves."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.answers import QUESTIONS, state
from scipy.stats import entropy

from sts_eval.data.benchmark import Question
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.load import lora_config
from sts_eval.predictors import probe
from sts_eval.predictors.registry import select
from sts_eval.study.gradients import training_rows
from sts_eval.study.losses import read_answering
from sts_eval.study.short_training import full_steps, read_probe
from sts_eval.study.study import Answering, Probe, Study, Texts

DOMAINS = {"math": QUESTIONS}
TUNE = TuneSettings(rank=2, alpha=4, batch=6, per_device_batch=3, max_steps=4, warmup=0.25, learning_rate=5e-3)


def run(tune, steps, *, examples=tiny.TRAINING, domains=DOMAINS, seed=0, **settings):
    return read_probe(
        tiny.extractor("llama", **settings), tiny.training_set(examples), domains, tune, steps, seed, tiny.silent
    )


def options(read):
    return np.concatenate(read.option_logprobs)


# --- the training ---


def test_steps_are_those_of_the_real_runs_trainer(tmp_path):
    """With all rows in a batch their order does not matter; the adapter's start is made the same."""
    from peft import get_peft_model

    from sts_eval.tuning.training import Supervised, _arguments

    made = tiny.extractor("llama")
    rows = training_rows(made, tiny.training_set(), TUNE, 0)
    assert len(rows) == TUNE.batch
    untuned = made.reader.model
    arguments = _arguments(ModelSpec(id="none", device="cpu"), TUNE, untuned, seed=0, folder=tmp_path)
    arguments |= {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 2}
    torch.manual_seed(0)
    network = get_peft_model(untuned, lora_config(TUNE))
    split = SimpleNamespace(train=rows, held_out=rows)
    Supervised(split, made.prompter.tokenizer).trainer(network, arguments, None).train()
    expected = options(read_answering(made, DOMAINS, made.prompter.demonstrations([]))["math"])
    first, *_, last = run(TUNE, 4).answers["math"]
    assert abs(options(first) - expected).max() > 0.1
    np.testing.assert_allclose(options(last), expected, rtol=1e-3)


def test_a_short_probe_is_the_beginning_of_a_long_one():
    """The schedule is laid out for the full run, however early it is left."""
    tune = TUNE.model_copy(update={"batch": 2})
    short, long = run(tune, 2), run(tune, 4)
    assert short.steps.tolist() == [0, 1, 2]
    assert long.steps.tolist() == [0, 1, 2, 4]
    for one, other in zip(short.answers["math"], long.answers["math"], strict=False):
        assert options(one).tobytes() == options(other).tobytes()


def test_nothing_moves_while_the_rate_is_zero():
    """A warm-up starts from zero: after the first step all is as before, after the second it is not."""
    found = run(TUNE.model_copy(update={"warmup": 0.5}), 4)
    before, first, second, _ = (options(read) for read in found.answers["math"])
    np.testing.assert_array_equal(first, before)
    assert not np.allclose(second, before, rtol=1e-4)
    still = run(TUNE.model_copy(update={"learning_rate": 1e-30}), 4)
    np.testing.assert_array_equal(options(still.answers["math"][-1]), before)
    assert still.kl["math"] == 0


def test_answers_that_are_trained_on_become_likelier():
    """A domain made of a training row's text."""
    learnt = Example("What is 2 + 2?", "four")
    question = Question("0", "math", learnt.question, ("four", "five"), 0)
    tune = TUNE.model_copy(update={"max_steps": 8, "learning_rate": 1e-2})
    reads = run(tune, 8, examples=[learnt] * 7, domains={"math": [question]}).answers["math"]
    nll = [float(read.answer_nll[0]) for read in reads]
    assert nll[-1] < nll[0] - 1


def test_divergence_against_scipy():
    found = run(TUNE, 4)
    before, after = found.answers["math"][0], found.answers["math"][-1]
    by_question = [
        entropy(np.exp(p), np.exp(q)) for p, q in zip(before.option_logprobs, after.option_logprobs, strict=True)
    ]
    assert found.kl["math"] == pytest.approx(np.mean(by_question), rel=1e-6)
    assert found.kl["math"] > 0


def test_the_model_is_left_as_it_was():
    made = tiny.extractor("llama")
    before = state(made.reader.model)
    read_probe(made, tiny.training_set(), DOMAINS, TUNE, 2, 0, tiny.silent)
    assert state(made.reader.model) == before


def test_progress_names_the_domain_that_is_read():
    heard = []
    read_probe(tiny.extractor("llama"), tiny.training_set(), DOMAINS, TUNE, 4, 0, lambda *step: heard.append(step))
    named = dict.fromkeys(stage for stage, _, _ in heard)
    looks = [f"probe {when}: math" for when in ("before training", "after step 1", "after step 2", "after step 4")]
    assert list(named) == [looks[0], looks[1], "probe: training steps", *looks[2:]]
    assert heard[-1] == ("probe: training steps", 4, 4)


def test_seeds():
    one, again, other = (options(run(TUNE, 2, seed=seed).answers["math"][-1]) for seed in (0, 0, 1))
    assert one.tobytes() == again.tobytes()
    assert not np.allclose(one, other)


@pytest.mark.parametrize(
    ("rows", "epochs", "batch", "max_steps", "steps"),
    [(753, 10, 256, None, 30), (6, 10, 6, None, 10), (7, 2, 6, None, 4), (7, 1.5, 6, None, 3), (753, 10, 256, 7, 7)],
)
def test_steps_of_the_full_run(rows, epochs, batch, max_steps, steps):
    """LIMO's 817 rows less 64 make three batches of 256 an epoch, the last of them small."""
    assert full_steps(rows, TuneSettings(epochs=epochs, batch=batch, max_steps=max_steps)) == steps


def test_a_probe_is_not_longer_than_the_full_run():
    found = run(TUNE, 100)
    assert found.steps.tolist() == [0, 1, 2, 4]
    assert found.full_steps == 4


def test_all_weights_are_probed_with_an_adapter_at_an_adapters_rate():
    full = TUNE.model_copy(update={"method": "full", "learning_rate": 1e-30})
    adapter = TUNE.model_copy(update={"learning_rate": None})
    assert options(run(full, 4).answers["math"][-1]).tobytes() == options(run(adapter, 4).answers["math"][-1]).tobytes()


def test_a_loss_that_is_not_a_number(monkeypatch):
    from sts_eval.study.gradients import Adapter

    monkeypatch.setattr(Adapter, "gradient", lambda _self, _rows, _weights, parameters: (math.nan, list(parameters)))
    with pytest.raises(UserError, match="loss is nan at step 1"):
        run(TUNE, 2)


# --- the columns ---


def answering(shares, *, nll=0.0):
    """Questions with two options of which the first is right, with these shares of the likelihood, and e^-nll of it."""
    rows = [np.log([share, 1 - share]) - nll for share in shares]
    return Answering(np.zeros(len(rows)), rows, [np.array([1, 1])] * len(rows), np.zeros(len(rows), dtype=np.int64))


def study(reads, steps, full, kl=0.0):
    return Study(Texts([], {}), [Probe(np.array(steps), full, {"law": reads}, {"law": kl})])


def curve(levels, steps, full):
    """Reads whose mean log-probability of the right option among two is as given."""
    return study([answering([math.exp(level)]) for level in levels], steps, full)


def test_changes_by_hand():
    reads = [answering([0.4, 0.6], nll=2), answering([0.9, 0.9]), answering([0.8, 0.6], nll=1)]
    found = {one.name: one(study(reads, [0, 5, 10], 100, kl=0.25))["law"] for one in select(["probe"])}
    rise = (math.log(0.8 / 0.4) + math.log(0.6 / 0.6)) / 2
    assert found["probe_logprob"] == pytest.approx(rise)
    assert found["probe_loss"] == pytest.approx(rise + 1)
    assert found["probe_accuracy"] == pytest.approx(50)
    assert found["probe_kl"] == 0.25


@pytest.mark.parametrize("slope", [0.01, -0.02, 0.0])
def test_a_line_is_continued(slope):
    steps = [0, 10, 20, 40]
    made = curve([-3 + slope * step for step in steps], steps, 500)
    assert probe.probe_linear(made)["law"] == pytest.approx(500 * slope, abs=1e-9)
    assert probe.probe_power(made)["law"] == pytest.approx(500 * slope, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(("scale", "exponent"), [(0.1, 0.5), (-0.2, 0.3), (0.001, 1.7)])
def test_a_power_law_is_continued(scale, exponent):
    steps = [0, 10, 20, 40]
    made = curve([-3 + scale * step**exponent for step in steps], steps, 500)
    assert probe.probe_power(made)["law"] == pytest.approx(scale * 500**exponent, rel=1e-3)


def test_a_power_law_takes_two_reads():
    assert probe.probe_power(curve([-2, -1], [0, 1], 500)) == {}
    assert probe.probe_linear(curve([-2, -1], [0, 1], 500)) == {"law": pytest.approx(500)}


def test_flags():
    assert {one.name: one.flags for one in select(["probe"])}["probe_kl"] == ("P",)
    assert all(one.flags == ("L", "P") for one in select(["probe"]) if one.name != "probe_kl")
