"""Loading by description: what a missing tokenizer says, how tokens are counted, what an adapter is made of."""

import pytest
from helpers import tiny

from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.load import load_tokenizer, lora_config, token_counter


def test_tokens_are_counted_without_special_ones(tmp_path):
    tiny.write_model(tmp_path, "llama")
    spec = ModelSpec(id=str(tmp_path))
    tokenizer = load_tokenizer(spec)
    text = "two plus two"
    assert token_counter(spec)(text) == len(tokenizer(text, add_special_tokens=False).input_ids)


def test_a_tokenizer_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"the tokenizer of .* cannot be loaded .*tokenizer\.json beside the model"):
        load_tokenizer(ModelSpec(id=str(tmp_path)))


def test_an_adapter_has_the_settings_of_the_tuning():
    tune = TuneSettings(rank=3, alpha=5, dropout=0.1, targets=("q_proj", "v_proj"))
    config = lora_config(tune)
    assert (config.r, config.lora_alpha, config.lora_dropout) == (3, 5, 0.1)
    assert config.target_modules == {"q_proj", "v_proj"}
    assert lora_config(tune, dropout=0.0).lora_dropout == 0.0
    assert lora_config(TuneSettings()).target_modules == "all-linear"
