"""The shipped model and its SAE load as ordinary ones and are good enough to be worth studying."""

from itertools import islice

import pandas as pd
import pytest
import torch
from helpers.lab_scoring import accuracy_by_category, option_scores
from sae_lens import SAE
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from sts_eval.lab import benchmark_path, model_path, sae_path
from sts_eval.lab.corpus import documents
from sts_eval.lab.model import CONTEXT
from sts_eval.lab.sae import MODEL_NAME, SAETraining, residual_stream
from sts_eval.lab.world import CATEGORIES, World

QUESTIONS_PER_CATEGORY = 40


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(model_path()).eval()


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(model_path())


@pytest.fixture(scope="module")
def sae():
    return SAE.load_from_disk(str(sae_path()))


@pytest.fixture(scope="module")
def questions():
    return pd.read_parquet(benchmark_path() / "test.parquet")


@pytest.fixture(scope="module")
def demonstrations():
    rows = pd.read_parquet(benchmark_path() / "validation.parquet")
    return {
        category: "".join(f"Question: {row.question}\nAnswer: {row.cot_content}\n\n" for row in group.itertuples())
        for category, group in rows.groupby("category")
    }


@pytest.fixture(scope="module")
def accuracies(model, tokenizer, questions):
    sample = questions.groupby("category").head(QUESTIONS_PER_CATEGORY)
    return accuracy_by_category(model, tokenizer, sample)


def test_model_loads_in_float32(model):
    assert isinstance(model, LlamaForCausalLM)
    assert model.dtype == torch.float32
    assert model.config.max_position_embeddings >= 2 * CONTEXT


def test_tokenizer_adds_bos_once(tokenizer):
    ids = tokenizer("Question: What comes next?")["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id == tokenizer("")["input_ids"][0]


def test_tokenizer_returns_the_text(tokenizer):
    text = "Question: What is 7 * 6?\nAnswer: 42\n\nQuestion: Wörter, «too»?\n"
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_an_options_tokens_are_those_of_the_document(tokenizer):
    """Scored on its own, an option must be the tokens that training saw, up to its newline."""
    prompt, option = "Question: What is 7 * 6?\nAnswer:", " 42\n"
    apart = [tokenizer(part, add_special_tokens=False)["input_ids"] for part in (prompt, option)]
    whole = tokenizer(prompt + option + "\n", add_special_tokens=False)["input_ids"]
    assert whole[: len(apart[0]) + len(apart[1])] == apart[0] + apart[1]


def test_packed_scores_are_those_of_separate_passes(model, tokenizer, questions):
    row = questions.iloc[0]
    prompt = f"Question: {row.question}\nAnswer:"
    packed = option_scores(model, tokenizer, prompt, list(row.options))
    n_prompt = len(tokenizer(prompt)["input_ids"])
    for option, score in zip(row.options, packed, strict=True):
        ids = torch.tensor(tokenizer(f"{prompt} {option}\n")["input_ids"])
        with torch.no_grad():
            logprobs = model(input_ids=ids[None]).logits[0].log_softmax(dim=-1)
        alone = logprobs[torch.arange(n_prompt - 1, len(ids) - 1), ids[n_prompt:]].sum()
        assert float(alone) == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_is_far_above_chance(accuracies, category):
    # 40 guesses among ten options exceed 10 hits once in 600 categories.
    assert accuracies[category] > 10 / QUESTIONS_PER_CATEGORY


def test_categories_differ_and_leave_room(accuracies):
    values = sorted(accuracies.values())
    assert 0.5 <= sum(values) / len(values) <= 0.75
    assert values[-1] - values[0] >= 0.25
    assert sum(value > 0.9 for value in values) <= 2


def test_five_worked_demonstrations_fit_the_trained_context(tokenizer, questions, demonstrations):
    longest = questions["question"].map(len).groupby(questions["category"]).idxmax()
    for category, at in longest.items():
        prompt = f"{demonstrations[category]}Question: {questions.loc[at, 'question']}\nAnswer:"
        assert len(tokenizer(prompt)["input_ids"]) <= 448 < CONTEXT


def test_sae_says_where_it_belongs(sae, model):
    assert sae.cfg.metadata.hook_name == f"blocks.{SAETraining().layer}.hook_resid_post"
    assert sae.cfg.metadata.model_name == MODEL_NAME
    assert sae.cfg.d_in == model.config.hidden_size
    assert sae.W_enc.dtype == torch.float32


def test_sae_explains_text_that_it_was_not_trained_on(sae, model, tokenizer):
    held_out = islice(documents(World.generate(0), stream=2), 400)
    activations = residual_stream(model, held_out, tokenizer, 8_000, layer=SAETraining().layer, progress=False)
    features = sae.encode(activations)
    residual = activations - sae.decode(features)
    centred = activations - activations.mean(dim=0)
    assert residual.square().sum() < 0.1 * centred.square().sum()
    assert float((features > 0).sum(dim=-1).float().mean()) == pytest.approx(24, abs=1)
