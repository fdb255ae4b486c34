"""Readings of last tokens and of answers, each against one pass of the whole model."""

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.answers import QUESTIONS

from sts_eval.data.sampling import shuffled
from sts_eval.study.span_means import read_last_tokens


def states(made, ids):
    """Residuals after block 1 of a sequence behind a BOS, shape (n_tokens, d_model)."""
    with torch.no_grad():
        hidden = made.reader.model(torch.tensor([[0, *ids]]), output_hidden_states=True).hidden_states
    return hidden[2][0, 1:].double().numpy()


def ids(made, text):
    return made.prompter.tokenizer(text, add_special_tokens=False).input_ids


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_last_tokens_are_those_of_whole_passes(kind):
    made, data = tiny.extractor(kind), tiny.training_set(suffix=" Think.")
    found = read_last_tokens(made, data, {"math": QUESTIONS}, 3, tiny.silent)
    wanted = [states(made, ids(made, f"Question: {one.text}\nAnswer:"))[-1] for one in QUESTIONS]
    np.testing.assert_allclose(found.domains["math"], wanted, rtol=1e-3, atol=1e-4)
    rows = [tiny.TRAINING[row] for row in shuffled(len(tiny.TRAINING), 3, "training set")[2:]]
    wanted = [states(made, ids(made, f"Question: {one.question} Think.\nAnswer:"))[-1] for one in rows]
    np.testing.assert_allclose(found.training, wanted, rtol=1e-3, atol=1e-4)
