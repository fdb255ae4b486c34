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


def load(folder, of, kind="llama"):
    tiny.write_model(folder, kind)
    return of(pretrained=str(folder), dtype="float32", device="cpu", batch_size=4)


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
    monkeypatch.setattr(packed, "TOKENS_PER_ROW", 1)
    np.testing.assert_allclose([a for a, _ in score(lm, asked)], [a for a, _ in together], atol=1e-5)


def test_really_packs(tmp_path):
    lm = load(tmp_path / "model", PackedLM)
    many = requests(contexts=tuple(f"Question: {n}?\nAnswer:" for n in range(12)))
    passes = []
    lm.model.register_forward_hook(lambda *_: passes.append(1))
    score(lm, many)
    assert len(passes) < len(many) / 2


def test_windowed_attention_is_left_to_lm_eval(tmp_path):
    asked = requests()
    windowed = load(tmp_path / "model", PackedLM, "gemma2")
    plain = load(tmp_path / "model", HFLM, "gemma2")
    np.testing.assert_allclose([a for a, _ in score(windowed, asked)], [a for a, _ in score(plain, asked)], atol=1e-4)
    questions = packed._questions([(("", ""), [1], [2])])
    assert not windowed._packs(questions, [(("", ""), [1], [2])])


def test_gives_packing_up_where_it_comes_out_differently(tmp_path, monkeypatch):
    lm, asked = load(tmp_path / "model", PackedLM), requests()
    right = score(lm, asked)
    monkeypatch.setattr(packed, "attention_mask", lambda visible, dtype: None)  # every option sees the one before
    np.testing.assert_allclose([a for a, _ in score(lm, asked)], [a for a, _ in right], atol=1e-4)
