"""An adapter's gradients against differences of the plain model's loss; the columns against autograd and Adam."""

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.answers import QUESTIONS, state

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Prompter
from sts_eval.data.rows import IGNORED, TokenRow, split_rows
from sts_eval.errors import UserError
from sts_eval.experiment import RATE, TuneSettings
from sts_eval.model.load import lora_config
from sts_eval.predictors import gradient
from sts_eval.study.gradients import attached, read_gradients, token_mean
from sts_eval.study.study import Gradients, Study, Texts

TUNE = TuneSettings(rank=2, alpha=6, batch=2)


# --- the columns ---


def by_hand(minibatches, domain):
    """Gradients of squared errors of y = w1 x1 + w2 x2 at w, by autograd. Rows are x1, x2, y."""
    weights = torch.tensor([0.4, -0.3], dtype=torch.float64, requires_grad=True)

    def slope(rows):
        return torch.autograd.grad(error(weights, rows), weights)[0].numpy()

    training = np.stack([slope(rows) for rows in minibatches])
    return weights, training, slope(domain)


def error(weights, rows):
    table = torch.tensor(rows, dtype=torch.float64)
    return ((table[:, :2] @ weights - table[:, 2]) ** 2).mean()


MINIBATCHES = ([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]], [[2.0, 0.0, 1.0], [1.0, 1.0, -1.0]])
DOMAIN = [[1.0, -1.0, 2.0], [0.0, 3.0, 1.0]]
RATE_ = 1e-5


def study(training, **domains):
    return Study(Texts([], {}), [Gradients(training, domains, RATE_)])


def test_first_order_is_the_fall_of_the_loss_at_one_step_of_gradient_descent():
    weights, training, own = by_hand(MINIBATCHES, DOMAIN)
    stepped = weights.detach() - RATE_ * torch.tensor(training.mean(axis=0))
    fall = float((error(weights, DOMAIN) - error(stepped, DOMAIN)).detach())
    assert gradient.gradient_first_order(study(training, law=own))["law"] == pytest.approx(fall, rel=1e-3)
    assert fall != 0


def test_adam_is_the_fall_of_the_loss_at_one_step_of_torchs_adam():
    """With one minibatch, m/√v after bias correction is that of Adam's first step."""
    weights, training, own = by_hand(MINIBATCHES[:1], DOMAIN)
    before = float(error(weights, DOMAIN).detach())
    optimiser = torch.optim.Adam([weights], lr=RATE_)
    error(weights, MINIBATCHES[0]).backward()
    optimiser.step()
    fall = before - float(error(weights, DOMAIN).detach())
    assert gradient.gradient_adam(study(training, law=own))["law"] == pytest.approx(fall, rel=1e-3)


def test_adam_over_minibatches_by_hand():
    """First parameter: gradients 3 and 1, so m = 2 and v = 5; second: −1 and 1, so m = 0."""
    training = np.array([[3.0, -1.0], [1.0, 1.0]])
    scores = gradient.gradient_adam(study(training, law=np.array([0.5, 7.0])))
    assert scores["law"] == pytest.approx(RATE_ * 0.5 * 2 / np.sqrt(5))


def test_cosine_by_hand():
    training = np.array([[2.0, 0.0], [0.0, 2.0]])
    domains = {"same": np.array([3.0, 3.0]), "against": np.array([-1.0, -1.0]), "aside": np.array([1.0, -1.0])}
    scores = gradient.gradient_cosine(study(training, none=np.zeros(2), **domains))
    assert scores == {"same": pytest.approx(1), "against": pytest.approx(-1), "aside": pytest.approx(0)}


# --- the gradients ---


def extractor(kind="llama", **settings):
    made = tiny.extractor(kind, **settings)
    made.reader.model.double()
    return made


def plain_loss(model, rows, weights):
    """Literal: one row at a time, without padding."""
    total = 0.0
    for row, weight in zip(rows, weights, strict=True):
        with torch.no_grad():
            logprobs = model(torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
        total -= weight * sum(
            float(logprobs[at - 1, label]) for at, label in enumerate(row.labels) if label != IGNORED and at
        )
    return total


def slope_along(made, seed, direction, rows, weights, step=1e-4):
    """Slope of the plain model's loss as B moves along a direction, with (alpha / rank) B A added to the weights."""
    model = made.reader.model
    with attached(model, TUNE, seed) as adapter:
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        own = [names[id(parameter)] for parameter in adapter.zeros]
        a_of = {name: model.get_parameter(name.replace("lora_B", "lora_A")).detach().clone() for name in own}
        shapes = [parameter.shape for parameter in adapter.zeros]
    moves, start = {}, 0
    for name, shape in zip(own, shapes, strict=True):
        part = torch.tensor(direction[start : start + shape.numel()]).reshape(shape)
        moves[name.replace(".lora_B.default", "")] = TUNE.alpha / TUNE.rank * part @ a_of[name]
        start += shape.numel()
    assert start == len(direction)
    assert len(moves) == 7 * tiny.LAYERS  # all-linear: four of attention, three of the MLP

    def loss(by):
        with torch.no_grad():
            for name, move in moves.items():
                model.get_parameter(name).add_(by * move)
            found = plain_loss(model, rows, weights)
            for name, move in moves.items():
                model.get_parameter(name).sub_(by * move)
        return found

    return (loss(step) - loss(-step)) / (2 * step)


def answer_row(made, question):
    """A question behind a BOS with its right answer, as text."""
    tokenizer = made.prompter.tokenizer
    before = tokenizer(f"Question: {question.text}\nAnswer:").input_ids
    answer = tokenizer(f" {question.choices[question.right]}\n", add_special_tokens=False).input_ids
    return TokenRow(before + answer, [IGNORED] * len(before) + answer)


def test_gradients_are_finite_differences_of_the_plain_models_loss():
    made = extractor()
    data = tiny.training_set(suffix=" Think.")
    found = read_gradients(made, data, {"math": QUESTIONS}, TUNE, 4, tiny.silent)
    rows = split_rows(Prompter(made.prompter.tokenizer), data, TUNE, 4, made.context).train
    assert found.training.shape[0] == len(rows) == 6  # fewer than two rows for each of eight minibatches
    noise = np.random.default_rng(0)
    direction = noise.standard_normal(found.training.shape[1])
    slope = slope_along(made, 4, direction, rows[:1], [1 / sum(label != IGNORED for label in rows[0].labels)])
    assert float(found.training[0] @ direction) == pytest.approx(slope, rel=1e-3)
    answers = [answer_row(made, question) for question in QUESTIONS]
    weights = [1 / (3 * sum(label != IGNORED for label in row.labels)) for row in answers]
    slope = slope_along(made, 4, direction, answers, weights)
    assert float(found.domains["math"] @ direction) == pytest.approx(slope, rel=1e-3)


def test_a_minibatchs_loss_is_the_mean_over_its_solution_tokens():
    """As the trainer's: rows with long solutions weigh more."""
    made = extractor()
    rows = split_rows(made.prompter, tiny.training_set(), TUNE, 0, made.context).train
    lengths = [sum(label != IGNORED for label in row.labels) for row in rows]
    assert len(set(lengths)) > 1
    with attached(made.reader.model, TUNE, 0) as adapter:
        loss, _ = adapter.gradient(rows, token_mean(rows), adapter.zeros)
    assert loss == pytest.approx(plain_loss(made.reader.model, rows, [1 / sum(lengths)] * len(rows)), rel=1e-5)


def test_only_b_has_a_gradient_at_the_start():
    made = tiny.extractor("llama")
    rows = split_rows(made.prompter, tiny.training_set(), TUNE, 0, made.context).train
    with attached(made.reader.model, TUNE, 0) as adapter:
        _, found = adapter.gradient(rows, token_mean(rows), adapter.parameters)
        at_zero = {id(parameter) for parameter in adapter.zeros}
        moved = {id(p) for p, own in zip(adapter.parameters, found, strict=True) if own.any()}
        assert moved == at_zero
        assert len(at_zero) * 2 == len(adapter.parameters)


@pytest.mark.parametrize("change", [{"per_device_batch": 1}, {"gradient_checkpointing": True}])
def test_how_rows_are_cut_or_recomputed_changes_nothing(change):
    made = extractor()
    tune = TUNE.model_copy(update={"batch": 3})
    one = read_gradients(made, tiny.training_set(), {"math": QUESTIONS}, tune, 0, tiny.silent)
    other = read_gradients(made, tiny.training_set(), {"math": QUESTIONS}, tune.model_copy(update=change), 0)
    np.testing.assert_allclose(other.training, one.training, rtol=1e-3, atol=1e-5 * abs(one.training).max())
    np.testing.assert_allclose(
        other.domains["math"], one.domains["math"], rtol=1e-3, atol=1e-5 * abs(one.domains["math"]).max()
    )


def test_memory_that_does_not_suffice_halves_the_rows(monkeypatch):
    made = extractor()
    rows = split_rows(made.prompter, tiny.training_set(), TUNE, 0, made.context).train
    with attached(made.reader.model, TUNE, 0) as adapter:
        loss, found = adapter.gradient(rows, token_mean(rows), adapter.zeros)
        whole = adapter._loss

        def small(rows, weights):
            if len(rows) > 2:
                raise torch.OutOfMemoryError
            return whole(rows, weights)

        monkeypatch.setattr(adapter, "_loss", small)
        again, parts = adapter.gradient(rows, token_mean(rows), adapter.zeros)
    assert again == pytest.approx(loss, rel=1e-6)
    for one, other in zip(found, parts, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2"])
def test_the_model_is_left_as_it_was(kind):
    made = tiny.extractor(kind)
    before = state(made.reader.model)
    read_gradients(made, tiny.training_set(), {"math": QUESTIONS}, TUNE, 0, tiny.silent)
    assert state(made.reader.model) == before


def test_the_model_is_left_as_it_was_after_a_failure():
    made = tiny.extractor("llama")
    before = state(made.reader.model)
    with pytest.raises(RuntimeError), attached(made.reader.model, TUNE, 0):
        raise RuntimeError
    assert state(made.reader.model) == before


def test_seeds_draw_the_adapter_and_the_rate_is_the_tunings():
    made, data = tiny.extractor("llama"), tiny.training_set()
    one, again, other = (read_gradients(made, data, {"math": QUESTIONS}, TUNE, seed) for seed in (0, 0, 1))
    assert one.training.tobytes() == again.training.tobytes()
    assert not np.allclose(one.domains["math"], other.domains["math"])
    assert one.learning_rate == RATE["lora"]
    full = TUNE.model_copy(update={"method": "full"})
    assert read_gradients(made, data, {}, full, 0).learning_rate == RATE["full"]


def test_what_cannot_be_trained():
    made = tiny.extractor("llama")
    with (
        pytest.raises(UserError, match="cannot be trained with these settings"),
        attached(made.reader.model, TuneSettings(targets=("nothing",)), 0),
    ):
        pass
    from peft import get_peft_model

    tuned = get_peft_model(made.reader.model, lora_config(TUNE))
    with pytest.raises(UserError, match="a model with an adapter"), attached(tuned, TUNE, 0):
        pass


def test_a_question_without_a_right_answer():
    with pytest.raises(UserError, match="does not say which"):
        read_gradients(tiny.extractor("llama"), tiny.training_set(), {"law": [Question("1", "law", "Who?")]}, TUNE, 0)
