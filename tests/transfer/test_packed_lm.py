"""Options scored in one row are what lm-eval's own class scores one by one."""

import numpy as np
import pytest
from helpers import tiny
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from sts_eval.transfer import packed_lm as packed
from sts_eval.transfer.packed_lm import PackedLM

CONTEXTS = ("Question: two plus two?\nAnswer:", "Question: what is it that fell?\nAnswer:", "a")
OPTIONS = (" four\n", " 4\n", " a longer one than those\n")


def requests(contexts=CONTEXTS, options=OPTIONS):
    pairs = [(context, option) for context in contexts for option in options]
    return [Instance("loglikelihood", {}, pair, index) for index, pair in enumerate(pairs)]


def load(folder, of, kind="llama", dtype="float32"):
    tiny.write_model(folder, kind)
    return of(pretrained=str(folder), dtype=dtype, device="cpu", batch_size=4)


def score(lm, asked):
    return [tuple(answer) for answer in lm.loglikelihood(asked, disable_tqdm=True)]


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_agrees_with_lm_eval(tmp_path, kind):
    asked = requests()
    packs, plain = (score(load(tmp_path / "model", of, kind), asked) for of in (PackedLM, HFLM))
    np.testing.assert_allclose([a for a, _ in packs], [a for a, _ in plain], atol=1e-4)
    assert [greedy for _, greedy in packs] == [greedy for _, greedy in plain]


def test_greedy_continuations_are_recognised(tmp_path):
    lm = load(tmp_path / "model", PackedLM)
    context = lm.tok_encode(CONTEXTS[0])
    row = [[0, 1]]
    logits = lm.model(input_ids=lm.model.dummy_inputs["input_ids"].new_tensor([context])).logits[0, -1]
    best, worst = int(logits.argmax()), int(logits.argmin())
    answers = lm._score(row, [(("", ""), context, [best]), (("", ""), context, [worst])])
    assert [answers[0][1], answers[1][1]] == [True, False]


def test_numbers_do_not_depend_on_what_shares_a_row(tmp_path, monkeypatch):
    lm, asked = load(tmp_path / "model", PackedLM), requests()
    together = score(lm, asked)
    monkeypatch.setitem(packed.TOKENS_PER_ROW, "cpu", 1)
    np.testing.assert_allclose([a for a, _ in score(lm, asked)], [a for a, _ in together], atol=1e-5)


def test_really_packs(tmp_path):
    lm = load(tmp_path / "model", PackedLM)
    many = requests(contexts=tuple(f"Question: {n}?\nAnswer:" for n in range(12)))
    passes = []
    lm.model.register_forward_hook(lambda *_: passes.append(1))
    score(lm, many)
    assert len(passes) < len(many) / 2


LONGER = tuple(
    f"Question {number}: {'what is it that fell on the longer one of those? ' * 2}Answer:" for number in range(4)
)
"""Contexts of more tokens than the models of the tests see back in a layer with a window."""


@pytest.mark.parametrize("kind", ["gemma2", "gemma3_text", "mistral"])
def test_windows_are_kept(tmp_path, kind):
    asked = requests(contexts=LONGER)
    windowed, plain = (load(tmp_path / "model", of, kind) for of in (PackedLM, HFLM))
    assert len(plain.tok_encode(LONGER[0])) > tiny.WINDOW
    np.testing.assert_allclose([a for a, _ in score(windowed, asked)], [a for a, _ in score(plain, asked)], atol=1e-4)
    assert windowed.unpacked is None


def says(caplog):
    return [record.getMessage() for record in caplog.records if record.name == packed.__name__]


def test_gives_packing_up_where_it_comes_out_differently(tmp_path, monkeypatch, caplog):
    lm, asked = load(tmp_path / "model", PackedLM), requests()
    right = score(lm, asked)
    assert (lm.unpacked, says(caplog)) == (None, [])
    # Every option sees the one before.
    monkeypatch.setattr(packed.Attention, "masks", lambda *_: None)
    np.testing.assert_allclose([a for a, _ in score(lm, asked)], [a for a, _ in right], atol=1e-4)
    score(lm, asked)
    assert "options differ by" in lm.unpacked
    (line,) = says(caplog)  # once, however many requests follow
    assert line == f"Options are scored one by one, which is slower: {lm.unpacked}."


def test_says_which_attention_takes_no_mask(tmp_path):
    lm, asked = load(tmp_path / "model", PackedLM), [(("", ""), [1], [2])]
    lm.model.config._attn_implementation = "flash_attention_2"
    assert "flash_attention_2" in lm._why_not(packed._questions(asked), asked)


def test_bfloat16_is_packed(tmp_path):
    """Rounding in an option of many tokens is more than in one of few."""
    lm = load(tmp_path / "model", PackedLM, dtype="bfloat16")
    long = tuple(" a longer one than those" * number + "\n" for number in (1, 4, 9))
    score(lm, requests(options=long))
    assert lm.unpacked is None


def test_a_question_beyond_the_context_does_not_unpack_the_others(tmp_path):
    lm, plain = (load(tmp_path / "model", of) for of in (PackedLM, HFLM))
    beyond = "what is it that fell? " * 200
    assert len(plain.tok_encode(beyond)) > plain.max_length
    asked = requests(contexts=(*CONTEXTS, beyond))
    np.testing.assert_allclose([a for a, _ in score(lm, asked)], [a for a, _ in score(plain, asked)], atol=1e-4)
    assert lm.unpacked is None
