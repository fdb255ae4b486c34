"""The columns on how the training set is read, by hand, and the reading against whole passes."""

import numpy as np
import pytest
import torch
from helpers import tiny

from sts_eval.data.sampling import shuffled
from sts_eval.predictors.registry import select
from sts_eval.predictors.training import reversed_nll_gap, training_nll, training_nll_gap
from sts_eval.study import training_losses
from sts_eval.study.study import Answering, Losses, ReversedLosses, Study, Texts, TrainingLosses
from sts_eval.study.training_losses import read_reversed_losses, read_training_losses


def answering(question_nll, solution_logprobs, solution_tokens):
    """Rows with one option each."""
    return Answering(
        np.array(question_nll),
        [np.array([value]) for value in solution_logprobs],
        [np.array([count]) for count in solution_tokens],
        np.zeros(len(question_nll), dtype=np.int64),
    )


# Nats per solution token: 2 and 3 alone; behind the domain's demonstrations 1.5 and 2.
ALONE = answering([4.0, np.nan, 2.0], [-2.0, -12.0, -2.5], [1, 4, 1])
SHOWN = answering([4.0, 1.0, 2.0], [-1.5, -8.0, -2.5], [1, 4, 1])
DOMAIN = answering([1.0, 2.0], [-1.0, -1.0], [1, 1])
STUDY = Study(
    Texts([], {"law": ["?"], "math": ["?"]}),
    [TrainingLosses(ALONE), ReversedLosses({"law": SHOWN}), Losses({"law": DOMAIN}, {"law": DOMAIN})],
)


def test_columns_by_hand():
    assert reversed_nll_gap(STUDY) == {"law": pytest.approx((0.5 + 1.0 + 0) / 3)}
    assert training_nll(STUDY) == {"law": pytest.approx(-2.5), "math": pytest.approx(-2.5)}
    # A row of one token with nothing before it has no likelihood: the mean of 4 and 2 against that of 1 and 2.
    assert training_nll_gap(STUDY) == {"law": pytest.approx(-1.5)}


def test_none_reads_answers_of_the_domains_questions():
    assert {one.flags for one in select(["training"])} == {()}


def whole_pass(made, shown, example, suffix, most):
    """Nats per token of a solution's first tokens behind plain text, from one pass of the whole model."""
    tokenizer = made.prompter.tokenizer

    def ids(text):
        return tokenizer(text, add_special_tokens=False).input_ids

    text = "".join(f"Question: {asked}\nAnswer: {solved}\n\n" for asked, solved in shown)
    before = [0, *ids(text), *ids(f"Question: {example.question}{suffix}\nAnswer:")]
    solution = ids(f" {example.solution}\n")[:most]
    with torch.no_grad():
        logprobs = made.reader.model(torch.tensor([before + solution])).logits[0].double().log_softmax(-1)
    return -np.mean([float(logprobs[len(before) - 1 + at, token]) for at, token in enumerate(solution)])


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_readings_are_those_of_whole_passes(kind, monkeypatch):
    monkeypatch.setattr(training_losses, "SOLUTION_TOKENS", 6)
    monkeypatch.setattr(training_losses, "ROWS", 3)
    made, data = tiny.extractor(kind), tiny.training_set(suffix=" Think.")
    order = shuffled(len(tiny.TRAINING), 5, "training set")[2:5]  # behind two that step 1 shows
    alone = read_training_losses(made, data, 5).alone
    wanted = [whole_pass(made, [], tiny.TRAINING[row], " Think.", 6) for row in order]
    np.testing.assert_allclose(alone.answer_nll, wanted, rtol=2e-4)

    found = read_reversed_losses(made, data, {one.name: one for one in tiny.DOMAINS}, 5).shown
    for domain in tiny.DOMAINS:
        drawn = shuffled(len(domain.demonstrations), 5, "demonstrations", domain.name)[:2]
        shown = [domain.demonstrations[index] for index in drawn]
        wanted = [whole_pass(made, shown, tiny.TRAINING[row], " Think.", 6) for row in order]
        np.testing.assert_allclose(found[domain.name].answer_nll, wanted, rtol=2e-4)
    assert not np.allclose(found["math"].answer_nll, alone.answer_nll, rtol=1e-2)
