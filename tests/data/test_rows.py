"""What the loss covers, what is cut, and what a seed changes."""

import pytest
from transformers import AutoTokenizer

from sts_eval.data.prompt import Prompter
from sts_eval.data.rows import IGNORED, split_rows, token_row
from sts_eval.data.training_set import Example, TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings
from sts_eval.lab import model_path

CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture
def tokenizer():
    return AutoTokenizer.from_pretrained(model_path())


@pytest.fixture
def prompter(tokenizer):
    return Prompter(tokenizer)


def texts(tokenizer, row):
    """What is read, and what of it is learnt."""
    learnt = [token for token in row.labels if token != IGNORED]
    return tokenizer.decode(row.input_ids), tokenizer.decode(learnt)


def test_loss_on_the_solution_only(prompter, tokenizer):
    row = token_row(prompter, Example("What is 2 + 3?", "5\nfive"), suffix="")
    read, learnt = texts(tokenizer, row)
    assert read.removeprefix("<bos>") == "Question: What is 2 + 3?\nAnswer: 5\nfive\n\n"
    assert learnt == " 5\nfive\n\n"
    assert len(row.input_ids) == len(row.labels)


def test_a_row_is_a_demonstration(prompter):
    example = Example("What is 2 + 3?", "5")
    row = token_row(prompter, example, suffix=" Think.")
    assert row.input_ids == list(prompter.demonstrations([example], suffix=" Think.").prefixes[1])


def test_chat_rows_end_with_the_end_of_turn(tokenizer):
    tokenizer.chat_template = CHAT
    row = token_row(Prompter(tokenizer), Example("2 + 3?", "5"), suffix="")
    read, learnt = texts(tokenizer, row)
    assert read.removeprefix("<bos>") == "<|user|>2 + 3?<|end|><|assistant|>5<|end|>"
    assert learnt == "5<|end|>"


def test_long_rows_lose_the_left(prompter, tokenizer):
    example = Example("one two three " * 20, "the end")
    whole = token_row(prompter, example, suffix="")
    cut = whole.last(12)
    assert cut.input_ids == whole.input_ids[-12:]
    assert cut.labels == whole.labels[-12:]


def made(n, *, words=2):
    examples = [Example(f"question {number}", "solution " * words) for number in range(n)]
    return TrainingSet("somewhere", None, "", examples, "0")


def test_seeds_draw_order_and_sample(prompter):
    settings = TuneSettings(max_rows=20, held_out=4)
    splits = [split_rows(prompter, made(100), settings, seed, 1024) for seed in (0, 0, 1)]
    assert splits[0] == splits[1]
    assert len(splits[0].train) == 20
    assert {tuple(row.input_ids) for row in splits[0].train} != {tuple(row.input_ids) for row in splits[2].train}
    assert splits[0].held_out == splits[2].held_out


def test_nothing_held_out_is_trained_on(prompter):
    split = split_rows(prompter, made(50), TuneSettings(), 0, 1024)
    kept = {tuple(row.input_ids) for row in split.held_out}
    assert len(kept) == 5
    assert len(split.train) == 45
    assert not kept & {tuple(row.input_ids) for row in split.train}


def test_cut_rows_are_counted(prompter):
    split = split_rows(prompter, made(10, words=30), TuneSettings(max_tokens=16), 0, 1024)
    assert split.cut == 9
    assert all(len(row.input_ids) == 16 for row in split.train)


def test_the_model_limits_too(prompter):
    split = split_rows(prompter, made(10, words=30), TuneSettings(), 0, 16)
    assert all(len(row.input_ids) == 16 for row in split.train)


def test_one_row_is_too_few(prompter):
    with pytest.raises(UserError, match="has 1 rows"):
        split_rows(prompter, made(1), TuneSettings(), 0, 1024)
