"""The cosine by hand, and the static encoder against the package that ships it."""

import importlib.util
import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers import tiny
from helpers.study import text_study
from packaging.requirements import Requirement
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings
from sts_eval.prediction.collect import collect_scores
from sts_eval.predictors.embedding import embedding_cosine
from sts_eval.predictors.registry import select
from sts_eval.study import embeddings
from sts_eval.study.cost import CostMeter
from sts_eval.study.embeddings import load_encoder, read_embeddings
from sts_eval.study.study import Study

ROOT = Path(__file__).parents[2]
installed = pytest.mark.skipif(importlib.util.find_spec("wordllama") is None, reason="needs the extra embeddings")
VECTORS = {"one": [2.0, 0.0], "two": [0.0, 1.0], "three": [-1.0, 0.0], "?": [0.0, 0.0]}  # the last: any other word


@pytest.fixture(autouse=True)
def fresh():
    load_encoder.cache_clear()
    yield
    load_encoder.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with static embeddings of three words, laid out as wordllama is, whose code must not run."""
    folder = tmp_path / "wordllama"
    for name in ("weights", "tokenizers"):
        (folder / name).mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    words = {word: number for number, word in enumerate(VECTORS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    vectors = np.array(list(VECTORS.values()), dtype=np.float16)
    save_file({"embedding.weight": vectors}, folder / "weights" / "l2_supercat_256.safetensors")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wordllama", raising=False)
    return folder


def test_cosine_by_hand(package):
    """Each text counts alike however long its vector: the row is the mean of (2, 0) and (0, 1), at length one."""
    domains = {"x": ["one", "two two"], "y": ["three"], "none": [""]}
    read = read_embeddings("wordllama", [Example("one", "two")], domains, 0)
    np.testing.assert_allclose(read.training, np.array([2, 1]) / np.sqrt(5))
    np.testing.assert_allclose(read.domains["x"], [0.5, 0.5])
    found = embedding_cosine(Study(text_study([], domains).texts, [read]))
    assert found == {"x": pytest.approx(3 / np.sqrt(10)), "y": pytest.approx(-2 / np.sqrt(5))}


def test_of_a_long_training_set_rows_are_drawn(package, monkeypatch):
    monkeypatch.setattr(embeddings, "ROWS", 1)
    rows = [Example("one", "one"), Example("two", "two")]
    seeds = [tuple(read_embeddings("wordllama", rows, {}, seed).training) for seed in range(12)]
    assert set(seeds) == {(1.0, 0.0), (0.0, 1.0)}


def test_another_layout_of_the_package_is_refused(package):
    (package / "weights" / "l2_supercat_256.safetensors").unlink()
    with pytest.raises(UserError, match="holds no static embeddings"):
        load_encoder("wordllama")


@installed
def test_the_shipped_encoder_is_the_packages_own():
    from wordllama import WordLlamaInference
    from wordllama.wordllama import safe_open

    folder = importlib.util.find_spec("wordllama").submodule_search_locations[0]
    with safe_open(f"{folder}/weights/l2_supercat_256.safetensors", framework="np") as file:
        weights = file.get_tensor("embedding.weight")
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizers/l2_supercat_tokenizer_config.json")
    texts = ["A car is driven.", "the automobile: someone drives it", "x² + 3 = 7, naïve", "short"]
    wanted = WordLlamaInference(weights, tokenizer).embed(texts)
    np.testing.assert_allclose(load_encoder("wordllama")(texts), wanted, rtol=1e-4, atol=1e-5)


@installed
def test_other_words_for_the_same_thing_are_near():
    domains = {"cars": ["Which automobile drives fastest?"], "law": ["Which statute may a court void?"]}
    read = read_embeddings("wordllama", [Example("The car goes quickly.", "Its motor runs.")], domains, 0)
    found = embedding_cosine(Study(text_study([], domains).texts, [read]))
    assert found["cars"] > found["law"] + 0.1


def test_any_model_of_sentence_transformers_from_a_folder(tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="needs the extra embeddings")
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    words = {word: number for number, word in enumerate(VECTORS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.array(list(VECTORS.values()), dtype=np.float32)
    model = sentence_transformers.SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu"
    )
    model.save_pretrained(str(tmp_path / "encoder"))
    encoded = load_encoder(str(tmp_path / "encoder"))(["one two", "three"])
    np.testing.assert_allclose(encoded, [[1.0, 0.5], [-1.0, 0.0]])
    (tmp_path / "encoder" / "modules.json").write_text(json.dumps([]))
    load_encoder.cache_clear()
    with pytest.raises(UserError, match="cannot be loaded"):
        load_encoder(str(tmp_path / "nowhere"))


def absent(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


def collected(*names, **settings):
    made = tiny.extractor("llama", predictors=names, **settings)
    domains = {one.name: one for one in tiny.DOMAINS}
    predictors = select(["embedding_cosine", "prompt_length"])
    found = collect_scores(
        predictors, made, tiny.training_set(), domains, tune=TuneSettings(), costs=CostMeter(), progress=tiny.silent
    )
    return [one.name for one in found.predictors], list(made.prompter.warnings)


def test_where_its_package_is_missing_all_others_are_scored(monkeypatch):
    absent(monkeypatch)
    names, warnings = collected("all")
    assert names == ["prompt_length"]
    assert len(warnings) == 1
    assert "embedding_cosine left out: sentence embeddings by 'wordllama' need the package wordllama" in warnings[0]
    assert "pip install 'sts-eval[embeddings]'" in warnings[0] or sys.version_info >= embeddings.WITHOUT_WHEEL


@pytest.mark.parametrize("python", [(3, 13), (3, 14)])
def test_what_helps_is_what_the_extra_installs_on_that_python(python, monkeypatch):
    absent(monkeypatch)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    wanted = next(Requirement(one) for one in extras["embeddings"] if one.startswith("wordllama"))
    monkeypatch.setattr(sys, "version_info", python)
    with pytest.raises(UserError) as refused:
        load_encoder("wordllama")
    installs = wanted.marker.evaluate({"python_version": ".".join(map(str, python))})
    assert ("pip install" in refused.value.remedy) == installs
    assert "--embeddings" in refused.value.remedy


@pytest.mark.parametrize(
    ("wanted", "settings"), [("embedding_cosine", {}), ("embedding", {}), ("all", {"embeddings": "me/encoder"})]
)
def test_where_it_is_asked_for_by_name_that_is_an_error(monkeypatch, wanted, settings):
    absent(monkeypatch)
    with pytest.raises(UserError, match="which is not installed"):
        collected(wanted, **settings)


def test_it_is_scored_where_the_package_is_there(package):
    assert collected("all") == (["prompt_length", "embedding_cosine"], [])
