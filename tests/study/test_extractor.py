"""What does not fit together is told apart before anything is read."""

import pytest
import torch
from helpers import tiny
from peft import LoraConfig, get_peft_model

from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, PredictSettings, SAESpec
from sts_eval.model.load import load_model
from sts_eval.study import extractor
from sts_eval.study.extractor import assemble, load_extractor
from sts_eval.study.question_scores import read_domain
from sts_eval.study.shifted_features import measure_shift

SETTINGS = PredictSettings(top_n=12)


def test_an_sae_of_another_width():
    other = tiny.autoencoder(tiny.sae("standard", d_in=48))
    with pytest.raises(UserError, match=r"the SAE reads 48 dimensions but the model has 32"):
        assemble(tiny.model("llama"), tiny.tokenizer(), other, SETTINGS)


def test_more_dimensions_than_there_are():
    with pytest.raises(UserError, match=r"49 dimensions are wanted but the SAE has 48\. Pass --top-n 48 or less"):
        tiny.extractor(top_n=49)
    assert len(measure_shift(tiny.extractor(top_n=48), tiny.training_set(), 0, tiny.silent).features) == 48


def test_an_sae_of_a_deeper_model():
    with pytest.raises(UserError, match=r"hook blocks\.20\.hook_resid_post does not exist"):
        tiny.extractor(hook_name="blocks.20.hook_resid_post")


def test_context_is_the_models_unless_given():
    assert tiny.extractor().context == 512
    assert tiny.extractor(context=100).context == 100
    made = assemble(tiny.model("llama"), tiny.tokenizer(), tiny.autoencoder(tiny.sae("topk")), SETTINGS, context=64)
    assert made.context == 64


def test_too_few_rows():
    few = tiny.training_set(tiny.TRAINING[:2])
    with pytest.raises(UserError, match=r"has 2 rows, too few for 2 demonstrations and a question\..*--shots"):
        measure_shift(tiny.extractor(), few, 0, tiny.silent)
    assert measure_shift(tiny.extractor(shots=1), few, 0, tiny.silent).n_questions == 1


def test_a_question_longer_than_the_context():
    extractor = tiny.extractor(context=30)
    long = tiny.training_set([Example("many words " * 30, "s")] * 3)
    with pytest.raises(UserError, match=r"does not fit the model's context of 30"):
        measure_shift(extractor, long, 0, tiny.silent)
    shift = measure_shift(tiny.extractor(), tiny.training_set(), 0, tiny.silent)
    with pytest.raises(UserError, match=r"does not fit the model's context of 8"):
        read_domain(tiny.extractor(context=8), tiny.DOMAINS[0], {shift.seed: shift.features}, {0: [1]})


def test_a_model_that_overflows_names_the_hook():
    extractor = tiny.extractor()
    with torch.no_grad():
        extractor.reader.model.model.layers[0].mlp.down_proj.weight.fill_(3e38)
    with pytest.raises(UserError, match=r"activations at blocks\.1\.hook_resid_post are not finite"):
        measure_shift(extractor, tiny.training_set(), 0, tiny.silent)


def test_loading(tmp_path):
    tiny.write_model(tmp_path / "model", "qwen3")
    tiny.sae("jumprelu").save_model(tmp_path / "sae")
    made = load_extractor(ModelSpec(id=str(tmp_path / "model")), SAESpec(path=str(tmp_path / "sae")), SETTINGS)
    assert not made.reader.model.training
    in_memory = assemble(tiny.model("qwen3"), tiny.tokenizer(), tiny.autoencoder(tiny.sae("jumprelu")), SETTINGS)
    one, other = (measure_shift(each, tiny.training_set(), 0, tiny.silent) for each in (made, in_memory))
    assert one.features == other.features
    torch.testing.assert_close(torch.tensor(one.score), torch.tensor(other.score), rtol=1e-4, atol=1e-5)


def test_an_adapter_is_part_of_the_model(tmp_path):
    tiny.write_model(tmp_path / "model")
    tiny.sae("standard").save_model(tmp_path / "sae")
    torch.manual_seed(0)
    config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    get_peft_model(tiny.model("llama"), config).save_pretrained(tmp_path / "adapter")
    spec, sae = ModelSpec(id=str(tmp_path / "model")), SAESpec(path=str(tmp_path / "sae"))
    plain = load_extractor(spec, sae, SETTINGS)
    adapted = load_extractor(spec.model_copy(update={"adapter": str(tmp_path / "adapter")}), sae, SETTINGS)
    merged = assemble(
        load_model(spec.model_copy(update={"adapter": str(tmp_path / "adapter")})).merge_and_unload(),
        tiny.tokenizer(),
        plain.autoencoder,
        SETTINGS,
    )
    scores = [
        torch.tensor(measure_shift(each, tiny.training_set(), 0, tiny.silent).score)
        for each in (plain, adapted, merged)
    ]
    torch.testing.assert_close(scores[1], scores[2], rtol=1e-4, atol=1e-5)
    assert float((scores[0] - scores[1]).abs().max()) > 0.01


def test_models_that_cannot_be_loaded(tmp_path):
    with pytest.raises(UserError, match=r"there is no model folder .*nowhere"):
        load_model(ModelSpec(id=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"model '.*empty' cannot be loaded"):
        load_model(ModelSpec(id=str(tmp_path / "empty")))


def test_an_adapter_that_cannot_be_loaded(tmp_path):
    tiny.write_model(tmp_path / "model")
    with pytest.raises(UserError, match=r"adapter '.*nowhere' cannot be loaded"):
        load_model(ModelSpec(id=str(tmp_path / "model"), adapter=str(tmp_path / "nowhere")))


def test_weights_that_are_a_pickle_are_not_opened(tmp_path):
    model = tiny.model("llama")
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(ModelSpec(id=str(tmp_path)))


def test_a_folder_without_tokenizer(tmp_path):
    tiny.model("llama").save_pretrained(tmp_path / "model")
    tiny.sae("standard").save_model(tmp_path / "sae")
    with pytest.raises(UserError, match="tokenizer"):
        load_extractor(ModelSpec(id=str(tmp_path / "model")), SAESpec(path=str(tmp_path / "sae")), SETTINGS)


def test_a_precision_that_does_not_exist():
    with pytest.raises(UserError, match=r"there is no dtype 'float31'\. Give auto, float32"):
        load_model(ModelSpec(id="any", dtype="float31"))


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_does_not_exist(tmp_path, device):
    tiny.write_model(tmp_path / "model")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(ModelSpec(id=str(tmp_path / "model"), device=device))


def test_a_model_without_a_known_sae_is_not_loaded(monkeypatch):
    monkeypatch.setattr(extractor, "load_model", lambda _: pytest.fail("the model was loaded"))
    with pytest.raises(UserError, match="sae-lens lists no residual-stream SAE for nobody/none"):
        load_extractor(ModelSpec(id="nobody/none"), SAESpec(), SETTINGS)
