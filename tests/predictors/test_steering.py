"""The columns by hand; injection and the reading of answers against plain passes of the whole model."""

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.answers import QUESTIONS, state

from sts_eval.data.benchmark import Question
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.model.generation import Answer, generated_answers
from sts_eval.model.reader import Prefix
from sts_eval.predictors.registry import select
from sts_eval.predictors.steering import injection_logprob, projection_difference
from sts_eval.study import injection, own_answers
from sts_eval.study.injection import blocks, injected, mean_states, read_injection, settled_strength
from sts_eval.study.losses import read_answering
from sts_eval.study.own_answers import read_own_answers
from sts_eval.study.study import Answering, Injection, Losses, OwnAnswers, Study, Texts

# --- the columns ---


def answering(*shares):
    """Questions with two options, the first of which is right and has these shares of the likelihood."""
    options = [np.log([share, 1 - share]) - 3 for share in shares]
    return Answering(np.zeros(len(shares)), options, [np.array([1, 1])] * len(shares), np.zeros(len(shares), int))


def test_injection_by_hand():
    alone = {"law": answering(0.5, 0.2), "math": answering(0.9)}
    moved = {"law": answering(0.25, 0.8), "math": answering(0.9)}
    study = Study(Texts([], {}), [Losses(alone, alone), Injection(2.0, moved)])
    assert injection_logprob(study) == {
        "law": pytest.approx((np.log(0.25 / 0.5) + np.log(0.8 / 0.2)) / 2),
        "math": pytest.approx(0),
    }


def test_projection_by_hand():
    """Solutions lie (3, 1) from the model's own answers on average; right lie (0, 2) from wrong ones in law."""
    study = Study(
        Texts([], {}),
        [
            OwnAnswers(
                solutions=np.array([[5.0, 1.0], [3.0, 3.0]]),
                own=np.array([[1.0, 1.0], [1.0, 1.0]]),
                right={
                    "law": np.array([[1.0, 4.0], [0.0, 2.0]]),
                    "up": np.array([[3.0, 4.0]]),
                    "none": np.ones((1, 2)),
                },
                wrong={"law": np.array([[1.0, 1.0], [0.0, 1.0]]), "up": np.zeros((1, 2)), "none": np.ones((1, 2))},
            )
        ],
    )
    assert projection_difference(study) == {"law": pytest.approx(1.0), "up": pytest.approx((9 + 4) / 5)}


def test_a_model_that_answers_nothing_has_no_projection():
    one = {"law": np.ones((1, 2))}
    assert projection_difference(Study(Texts([], {}), [OwnAnswers(np.array([]), np.array([]), one, one)])) == {}


def test_both_look_at_labels():
    assert {one.flags for one in select(["steering"])} == {("L",)}


# --- injection ---


def states(made, *texts):
    """States behind the embedding and every block of a plain text behind a BOS; each of shape (n_tokens, d_model)."""
    ids = [0, *(token for text in texts for token in made.prompter.tokenizer(text, add_special_tokens=False).input_ids)]
    with torch.no_grad():
        hidden = made.reader.model(torch.tensor([ids]), output_hidden_states=True).hidden_states
    return [one[0] for one in hidden]


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_mean_states_are_those_of_whole_passes(kind, monkeypatch):
    monkeypatch.setattr(injection, "ROWS", 3)
    made, data = tiny.extractor(kind), tiny.training_set(suffix=" Think.")
    found = mean_states(made, data, 4, tiny.silent)
    rows = [tiny.TRAINING[row] for row in shuffled(len(tiny.TRAINING), 4, "training set")[2:5]]
    read = [states(made, f"Question: {one.question} Think.\nAnswer:", f" {one.solution}\n") for one in rows]
    assert len(found) == tiny.LAYERS
    for layer in range(tiny.LAYERS - 1):  # the last is given behind the norm only
        wanted = torch.stack([one[layer + 1][-1] for one in read]).mean(dim=0)
        torch.testing.assert_close(found[layer].float(), wanted, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found[-1], found[-2])


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_vectors_are_added_behind_their_blocks(kind):
    made = tiny.extractor(kind)  # which reads behind block 1
    turn = made.prompter.turn("What is 2 + 2?")

    def read(*added):
        with injected(made.reader.model, added):
            return made.reader.read(Prefix((0,)), [turn])

    vector = torch.randn(tiny.HIDDEN, generator=torch.Generator().manual_seed(0))
    nothing = torch.zeros(tiny.HIDDEN)
    before = made.reader.read(Prefix((0,)), [turn])
    assert torch.equal(read(nothing, nothing, nothing), before)
    torch.testing.assert_close(read(nothing, vector, nothing), before + vector)
    assert torch.equal(read(nothing, nothing, vector), before)
    earlier = read(vector, nothing, nothing)  # passes through block 1
    assert not torch.allclose(earlier, before, atol=1e-2)
    assert not torch.allclose(earlier, before + vector, atol=1e-2)


def divergence(made, added):
    ids = torch.tensor([[0, *made.prompter.turn(injection.NEUTRAL).ids]])
    model = made.reader.model
    with torch.no_grad():
        before = model(ids).logits[0].log_softmax(-1)
        with injected(model, added):
            after = model(ids).logits[0].log_softmax(-1)
    return float(torch.nn.functional.kl_div(after, before, log_target=True, reduction="batchmean"))


def test_the_strength_is_where_neutral_text_has_moved_as_far_as_is_set():
    made = tiny.extractor("llama")
    added = mean_states(made, tiny.training_set(), 0, tiny.silent)
    strength = settled_strength(made, added)
    assert divergence(made, [strength * one for one in added]) == pytest.approx(injection.DIVERGENCE, rel=1e-2)
    half = settled_strength(made, [2 * one for one in added])
    assert half == pytest.approx(strength / 2, rel=1e-3)  # so the length of the vectors does not matter


def test_a_strength_that_nothing_settles():
    made = tiny.extractor("llama")
    with pytest.raises(UserError, match="does not change the model's output"):
        settled_strength(made, [torch.zeros(tiny.HIDDEN)] * tiny.LAYERS)


def test_answers_are_read_under_injection_and_the_model_is_left_as_it_was():
    made, asked = tiny.extractor("llama"), {"math": QUESTIONS}
    before = state(made.reader.model)
    found = read_injection(made, tiny.training_set(), asked, 0, tiny.silent)
    assert state(made.reader.model) == before
    added = [found.strength * one for one in mean_states(made, tiny.training_set(), 0, tiny.silent)]
    nothing = made.prompter.demonstrations([])
    with injected(made.reader.model, added):
        wanted = read_answering(made, asked, nothing)["math"]
    alone = read_answering(made, asked, nothing)["math"]
    for one, same, other in zip(
        found.answers["math"].option_logprobs, wanted.option_logprobs, alone.option_logprobs, strict=True
    ):
        np.testing.assert_allclose(one, same, rtol=1e-5)
        assert not np.allclose(one, other, rtol=1e-3)


def test_blocks_of_an_architecture_that_no_table_names():
    model = tiny.model("llama")
    known = blocks(model)
    model.config.model_type = "brand_new"
    assert blocks(model) is known
    model.config.num_hidden_layers = 7
    with pytest.raises(UserError, match="where LlamaForCausalLM keeps its blocks is not known"):
        blocks(model)


# --- own answers ---


def mean_answer(made, asked, answer, most=None):
    """Mean residual behind block 1 over an answer's tokens, in a whole pass."""
    tokens = made.prompter.tokenizer(answer, add_special_tokens=False).input_ids
    read = states(made, f"Question: {asked}\nAnswer:", answer)[2]
    start = len(read) - len(tokens)
    return read[start:][:most].mean(dim=0).numpy()


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_answers_are_read_as_in_whole_passes(kind, monkeypatch):
    monkeypatch.setattr(own_answers, "ANSWER_TOKENS", 5)
    monkeypatch.setattr(own_answers, "ROWS", 3)
    made, data = tiny.extractor(kind), tiny.training_set()
    single = Question("9", "law", "Is it?", ("yes",), 0)
    found = read_own_answers(made, data, {"math": [*QUESTIONS, single], "law": [single]}, 2)
    rows = [tiny.TRAINING[row] for row in shuffled(len(tiny.TRAINING), 2, "training set")[2:5]]
    turns = [made.prompter.turn(row.question) for row in rows]
    own = [one.text for one in generated_answers(made.reader.model, made.prompter, turns, longest=5)]
    rows, own = zip(*((row, text) for row, text in zip(rows, own, strict=True) if text), strict=True)

    def close(one, other):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)

    close(found.solutions, [mean_answer(made, row.question, f" {row.solution}\n", 5) for row in rows])
    close(found.own, [mean_answer(made, row.question, f" {text}\n", 5) for row, text in zip(rows, own, strict=True)])
    assert set(found.right) == {"math"}
    order = sorted(shuffled(4, 2, "options", "math"))
    for number, question in enumerate(QUESTIONS[at] for at in order if at < len(QUESTIONS)):
        means = [mean_answer(made, question.text, f" {choice}\n") for choice in question.choices]
        close(found.right["math"][number], means[question.right])
        others = [one for at, one in enumerate(means) if at != question.right]
        close(found.wrong["math"][number], np.mean(others, axis=0))


def test_a_row_that_the_model_answers_with_nothing_is_left_out(monkeypatch):
    answers = [Answer(text, ended=True) for text in ("so", "", "it is")]
    monkeypatch.setattr(own_answers, "ROWS", 3)
    monkeypatch.setattr(own_answers, "generated_answers", lambda *_, **__: answers)
    data = tiny.training_set([Example(f"Question {number}?", "yes") for number in range(6)])
    found = read_own_answers(tiny.extractor("llama"), data, {}, 0)
    assert found.solutions.shape == found.own.shape == (2, tiny.HIDDEN)
