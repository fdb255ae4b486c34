"""The fraction of variance unexplained, from SAEs whose value is known by hand, and what follows from it."""

from dataclasses import replace

import pytest
import torch
from helpers import tiny
from sae_lens import StandardSAE, StandardSAEConfig
from sae_lens.saes.sae import SAEMetadata

from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, PredictSettings, SAESpec, TrainingSetSpec
from sts_eval.lab import model_path, sae_path, sft_path
from sts_eval.model.load import load_model, load_tokenizer
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.model.sae_loading import load_sae
from sts_eval.study.extractor import assemble
from sts_eval.study.fit import check_sae, measure_fit

HOOK = "blocks.1.hook_resid_post"


def scaling(factor, *, trained_at=HOOK, read_at=None, model_name=None, mean=None, **config):
    """An SAE with two features a dimension, its positive and its negative part: it returns `factor` times its input."""
    made = StandardSAE(
        StandardSAEConfig(
            d_in=tiny.HIDDEN,
            d_sae=2 * tiny.HIDDEN,
            metadata=SAEMetadata(hook_name=trained_at, model_name=model_name),
            **config,
        )
    )
    one = torch.eye(tiny.HIDDEN)
    with torch.no_grad():
        made.W_enc.copy_(torch.cat([one, -one], dim=1))
        made.W_dec.copy_(factor * torch.cat([one, -one]))
        made.b_enc.zero_()
        made.b_dec.copy_(torch.zeros(tiny.HIDDEN) if mean is None else mean)
    return SparseAutoencoder(made, read_at or trained_at)


def check(autoencoder, *, model_id="some/model", kind="llama", allow_mismatch=False, **tokenizer):
    settings = PredictSettings(top_n=12)
    extractor = assemble(tiny.model(kind), tiny.tokenizer(**tokenizer), autoencoder, settings)
    return check_sae(extractor, tiny.training_set(), model_id=model_id, allow_mismatch=allow_mismatch)


def test_values_by_hand():
    activations = torch.randn(50, tiny.HIDDEN) + 2
    mean = activations.mean(0)
    assert measure_fit(scaling(1.0), activations).fvu == pytest.approx(0, abs=1e-10)
    assert measure_fit(scaling(0.0, mean=mean), activations).fvu == pytest.approx(1, rel=1e-5)
    spread = (activations - mean).square().sum() / activations.square().sum()
    assert measure_fit(scaling(0.5), activations).fvu == pytest.approx(float(0.25 / spread), rel=1e-5)
    assert measure_fit(scaling(1.0), activations).n_tokens == 50
    assert measure_fit(scaling(1.0), activations[:1]) is None


def test_a_reconstruction_that_overflows():
    with pytest.raises(UserError, match="is not finite"):
        measure_fit(scaling(3e38), 1e3 * torch.randn(9, tiny.HIDDEN))


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
@pytest.mark.parametrize(
    "hook", [HOOK, "blocks.1.hook_mlp_out", "blocks.1.hook_attn_out", "blocks.1.ln2.hook_normalized"]
)
def test_an_sae_that_fits_passes(kind, hook):
    found = check(scaling(1.0, trained_at=hook), kind=kind)
    assert found.fit.fvu < 1e-6
    assert found.warnings == (
        () if hook == HOOK else (f"the SAE reads {hook}: what predictors call the residual stream is that place here",)
    )


def test_a_poor_one_is_warned_about_and_a_wrong_one_refused():
    (warning,) = check(scaling(0.2)).warnings
    assert "of the variance unexplained at blocks.1.hook_resid_post (more than 0.5)" in warning
    with pytest.raises(UserError, match=r"does not fit the model at blocks\.1.*--allow-mismatch"):
        check(scaling(3.0))
    found = check(scaling(3.0), allow_mismatch=True)
    assert found.fit.fvu > 1
    assert "of the variance unexplained" in found.warnings[0]


def test_question_tokens_are_read_and_never_the_first_of_a_text():
    """A template that writes nothing in front of a message puts the question at position 0."""
    bare = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    read = [check(scaling(1.0), bos=bos, template=bare).fit.n_tokens for bos in (True, False)]
    questions = len(tiny.TRAINING) - PredictSettings().shots
    assert read[0] - read[1] in (0, questions)
    extractor = assemble(
        tiny.model("llama"), tiny.tokenizer(bos=False, template=bare), scaling(1.0), PredictSettings(top_n=12)
    )
    assert extractor.prompter.turn("Halve 90.").span[0] == 0
    assert not extractor.prompter.demonstrations([]).prefixes[0]
    assert read[0] - read[1] == questions


@pytest.mark.parametrize("asked", ["blocks.0.hook_resid_post", "blocks.1.hook_mlp_out", "model.layers.2"])
def test_another_place_than_the_saes_own_is_refused(asked):
    with pytest.raises(
        UserError, match=rf"was trained at {HOOK}, but --layer or --hook asks to read at blocks"
    ) as found:
        check(scaling(1.0, read_at=asked))
    assert "Leave --layer and --hook out" in str(found.value)
    warning = check(scaling(1.0, read_at=asked), allow_mismatch=True).warnings[0]
    assert warning.startswith(f"the SAE was trained at {HOOK} and is read at blocks")


@pytest.mark.parametrize("own", ["blocks.40.hook_resid_post", "blocks.1.attn.hook_q"])
def test_a_place_that_the_model_lacks_is_another_place(own):
    with pytest.raises(UserError, match=rf"was trained at {own}, but --layer or --hook asks to read at {HOOK}"):
        check(scaling(1.0, trained_at=own, read_at=HOOK))


@pytest.mark.parametrize("asked", ["model.layers.1", "layers.1", "blocks.2.hook_resid_pre"])
def test_the_same_place_by_another_name_is_not(asked):
    assert check(scaling(1.0, read_at=asked)).warnings == ()


def test_the_blocks_of_an_unknown_architecture_are_named_by_hand(monkeypatch):
    monkeypatch.setattr("sts_eval.model.hook.BLOCKS", {})
    (warning,) = check(scaling(1.0, read_at="model.layers.1")).warnings
    assert warning.startswith(f"the SAE was trained at {HOOK}, which cannot be compared with model.layers.1")


def test_a_place_that_only_its_authors_know():
    found = check(scaling(1.0, trained_at="resid_post_layer_1", read_at=HOOK))
    assert found.warnings[0].startswith("the SAE was trained at resid_post_layer_1, which cannot be compared")


@pytest.mark.parametrize(
    ("trained_on", "model_id", "warned"),
    [
        ("gpt2-small", "openai-community/gpt2", False),
        ("gemma-2-2b", "google/gemma-2-2b-it", False),
        ("google/gemma-3-4b-pt", "google/gemma-3-4b-it", False),
        ("gemma-2-2b", "google/gemma-2-9b", True),
        ("x", "/", False),  # a folder, whose name says nothing
    ],
)
def test_the_models_name(trained_on, model_id, warned):
    warnings = check(scaling(1.0, model_name=trained_on), model_id=model_id).warnings
    assert warnings == ((f"the SAE was trained on {trained_on}, and the model is {model_id}",) if warned else ())


def test_a_scale_that_was_not_folded_in_is_said_with_the_scale_of_these_tokens():
    (warning,) = check(scaling(1.0, normalize_activations="expected_average_only_in")).warnings
    assert "normalised activations, but the scale is neither folded into its weights nor in its files" in warning


def test_a_width_that_is_found_by_reading_only():
    with pytest.raises(UserError, match=r"reads 32 dimensions but the model has 48 at model\.layers\.1\.mlp\.up_proj"):
        check(scaling(1.0, trained_at="model.layers.1.mlp.up_proj"))


# At another layer an SAE is not always bad (.21 after the lab's first block), so the place is compared too.
def test_the_labs_own_fits_without_a_warning():
    model = ModelSpec(id=str(model_path()))
    autoencoder = load_sae(SAESpec(path=str(sae_path())), model_id=model.id, device="cpu")
    extractor = assemble(load_model(model), load_tokenizer(model), autoencoder, PredictSettings())
    training_set = load_training_set(TrainingSetSpec(source=str(sft_path("math"))))
    found = check_sae(extractor, training_set, model_id=model.id)
    assert found.warnings == ()
    assert 0.02 < found.fit.fvu < 0.2
    assert 4096 <= found.fit.n_tokens < 4200
    elsewhere = replace(autoencoder, hook_name="blocks.2.hook_mlp_out")
    wrong = assemble(load_model(model), load_tokenizer(model), elsewhere, PredictSettings())
    assert check_sae(wrong, training_set, model_id=model.id, allow_mismatch=True).fit.fvu > 2 * found.fit.fvu
