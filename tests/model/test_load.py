"""Loading by description: what a missing tokenizer says, how tokens are counted, what an adapter is made of."""

import shutil

import pytest
import torch
from helpers import tiny
from safetensors.torch import load_file, save_file

from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.load import load_config, load_model, load_tokenizer, lora_config, token_counter, trains_in_bf16


def test_tokens_are_counted_without_special_ones(tmp_path):
    tiny.write_model(tmp_path, "llama")
    spec = ModelSpec(id=str(tmp_path))
    tokenizer = load_tokenizer(spec)
    text = "two plus two"
    assert token_counter(spec)(text) == len(tokenizer(text, add_special_tokens=False).input_ids)


def test_a_tokenizer_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"the tokenizer of .* cannot be loaded .*tokenizer\.json beside the model"):
        load_tokenizer(ModelSpec(id=str(tmp_path)))


def test_what_a_library_says_is_cut_between_words(monkeypatch):
    words = ["see", "how", "to", "run", "it", "in", "offline", "mode", "at", "https://huggingface.co/docs"]

    def fail(*_given, **_named):
        raise OSError(" ".join(words * 5))

    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", fail)
    with pytest.raises(UserError, match=r"cannot be loaded \(see how .* …\)\. Check") as caught:
        load_config(ModelSpec(id="owner/name"))
    assert set(caught.value.problem.partition("(")[2].removesuffix(" …)").split()) <= set(words)


def test_an_adapter_has_the_settings_of_the_tuning():
    tune = TuneSettings(rank=3, alpha=5, dropout=0.1, targets=("q_proj", "v_proj"))
    config = lora_config(tune)
    assert (config.r, config.lora_alpha, config.lora_dropout) == (3, 5, 0.1)
    assert config.target_modules == {"q_proj", "v_proj"}
    assert lora_config(tune, dropout=0.0).lora_dropout == 0.0
    assert lora_config(TuneSettings()).target_modules == "all-linear"


def without(file, *names):
    """Write a file of tensors again without some of them."""
    tensors = load_file(file)
    for name in names:
        del tensors[name]
    save_file(tensors, file, {"format": "pt"})


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_missing_weights_are_named_and_tied_ones_are_not_missing(tmp_path, kind):
    tiny.write_model(tmp_path, kind)
    spec = ModelSpec(id=str(tmp_path), device="cpu")
    has_head = "lm_head.weight" in load_file(tmp_path / "model.safetensors")
    assert has_head == (kind == "llama")  # gemma2 ties it to the embeddings
    load_model(spec)
    without(tmp_path / "model.safetensors", "model.layers.2.mlp.up_proj.weight", "model.norm.weight")
    with pytest.raises(UserError) as caught:
        load_model(spec)
    assert "lack 2 of its tensors, which would be random" in str(caught.value)
    assert "(model.layers.2.mlp.up_proj.weight, model.norm.weight)" in str(caught.value)


def test_missing_weights_of_an_adapter_are_named(tuned, model, tmp_path):
    record, folder = tuned
    shutil.copytree(folder / record.runs[0].folder / "weights", tmp_path / "adapter")
    spec = model.model_copy(update={"adapter": str(tmp_path / "adapter")})
    load_model(spec)
    name = "base_model.model.model.layers.0.mlp.up_proj.lora_B.weight"
    without(tmp_path / "adapter" / "adapter_model.safetensors", name)
    with pytest.raises(UserError, match=r"lack 1 of its tensors.*layers\.0\.mlp\.up_proj\.lora_B"):
        load_model(spec)


@pytest.mark.parametrize(
    ("asked", "device", "native", "weights", "expected"),
    [
        (True, "cpu", False, torch.float32, True),
        (False, "cuda", True, torch.bfloat16, False),
        (None, "cpu", True, torch.bfloat16, True),
        (None, "cpu", True, torch.float32, False),
        (None, "cpu", False, torch.bfloat16, False),
        (None, "cuda", True, torch.float32, True),
        (None, "mps", True, torch.bfloat16, False),
    ],
)
def test_who_trains_in_bf16(monkeypatch, asked, device, native, weights, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: native)
    network = torch.nn.Linear(1, 1)
    network.dtype = weights
    assert trains_in_bf16(TuneSettings(bf16=asked), network, device=device) is expected
