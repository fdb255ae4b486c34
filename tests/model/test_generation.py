"""Answers in batches against one token after another, where they end, and how they are drawn."""

import pytest
import torch
from helpers import tiny

from sts_eval.model import generation
from sts_eval.model.generation import generated_answers


def greedy(made, text, most):
    """One token after another, without a cache, a batch or padding."""
    ids = [0, *made.prompter.tokenizer(text, add_special_tokens=False).input_ids]
    found = []
    for _ in range(most):
        with torch.no_grad():
            token = int(made.reader.model(torch.tensor([[*ids, *found]])).logits[0, -1].argmax())
        if token == 1:  # <eos>
            break
        found.append(token)
    return made.prompter.tokenizer.decode(found, skip_special_tokens=True).partition("\nQuestion:")[0].strip()


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_answers_in_batches_are_those_of_one_token_after_another(kind, monkeypatch):
    monkeypatch.setattr(generation, "BATCH", 4)
    made = tiny.extractor(kind)
    turns = [made.prompter.turn(row.question) for row in tiny.TRAINING]
    assert len({len(turn.ids) for turn in turns}) > 4
    wanted = [greedy(made, f"Question: {row.question}\nAnswer:", 8) for row in tiny.TRAINING]
    found = generated_answers(made.reader.model, made.prompter, turns, longest=8)
    assert [one.text for one in found] == wanted
    assert any(wanted)


@pytest.mark.parametrize(
    ("ids", "plain", "text", "ended", "kept"),
    [
        (" seven<eos>, or more", True, "seven", True, " seven<eos>"),
        (" 7.\n\nQuestion: What", True, "7.", True, " 7.\n\nQuestion:"),
        (" 7.\n\nQuestion:<eos><eos>", True, "7.", True, " 7.\n\nQuestion:"),
        (" 7.\n\nQuestion: What", False, "7.\n\nQuestion: What", False, " 7.\n\nQuestion: What"),
        ("<eos>", True, "", True, "<eos>"),
        (" seven, or", True, "seven, or", False, " seven, or"),
    ],
)
def test_where_an_answer_ends(ids, plain, text, ended, kept):
    tokenizer = tiny.tokenizer()
    read = tokenizer(ids, add_special_tokens=False).input_ids
    for stops in (1, [5, 1]):
        found = generation._answer(read, stops, tokenizer, plain=plain)
        assert (found.text, found.ended, tokenizer.decode(found.ids)) == (text, ended, kept)


def test_drawn_answers_follow_their_seed():
    made = tiny.extractor("llama")
    turns = [made.prompter.turn(row.question) for row in tiny.TRAINING]

    def drawn(temperature, seed):
        return generated_answers(made.reader.model, made.prompter, turns, longest=8, temperature=temperature, seed=seed)

    assert drawn(1.0, 3) == drawn(1.0, 3) != drawn(1.0, 4)
    assert drawn(0.0, 3) == drawn(0.0, 4)
