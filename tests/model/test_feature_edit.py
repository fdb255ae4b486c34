"""Taking features out of a running model: by hand, by sae-lens's own reconstruction, and none of them, bit by bit."""

import pytest
import torch
from helpers.pencil import WORDS, embedding_only
from helpers.tiny import autoencoder, model, sae
from sae_lens import StandardSAE, StandardSAEConfig
from sae_lens.saes.sae import SAEMetadata

from sts_eval import lab
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, SAESpec
from sts_eval.model.feature_edit import edited, zeroing
from sts_eval.model.hook import find_hook
from sts_eval.model.load import load_model
from sts_eval.model.sae_loading import load_sae

HOOK = "blocks.0.hook_resid_post"


def two_features(**settings):
    """h_0 = relu(r_0 − 1) along (2, 0, 0, 1), h_1 = relu(r_1 + r_3) along (0, 3, 0, 0); the bias is (7, 7, 7, 7)."""
    config = StandardSAEConfig(
        d_in=4, d_sae=2, apply_b_dec_to_input=False, metadata=SAEMetadata(hook_name=HOOK), **settings
    )
    made = StandardSAE(config)
    with torch.no_grad():
        made.W_enc.copy_(torch.tensor([[1.0, 0], [0, 1], [0, 0], [0, 1]]))
        made.b_enc.copy_(torch.tensor([-1.0, 0]))
        made.W_dec.copy_(torch.tensor([[2.0, 0, 0, 1], [0, 3, 0, 0]]))
        made.b_dec.fill_(7)
    return autoencoder(made)


@pytest.mark.parametrize(
    ("features", "a", "b"),
    [
        # a = (1, −5, 0, 2): no feature is above 0. b = (0, 3, −1, .5): h_1 = 3.5. c = (9, 9, 9, 9): h = (8, 18).
        ([0], [0.0, 3, -1, 0.5], [9.0 - 16, 9, 9, 9 - 8]),
        ([1], [0.0, 3 - 10.5, -1, 0.5], [9.0, 9 - 54, 9, 9]),
        ([0, 1], [0.0, 3 - 10.5, -1, 0.5], [9.0 - 16, 9 - 54, 9, 9 - 8]),
    ],
)
def test_on_paper(features, a, b):
    network = embedding_only()
    ids = torch.tensor([[WORDS.index(word) for word in "abc"]])
    with edited(find_hook(network, HOOK), zeroing(two_features(), features)):
        states = network(ids, output_hidden_states=True).hidden_states[1][0]
    assert torch.equal(states[0], torch.tensor([1.0, -5, 0, 2]))
    assert states[1].tolist() == pytest.approx(a)
    assert states[2].tolist() == pytest.approx(b)


def test_normalised_inputs_are_taken_out_in_the_units_of_the_model():
    # sae-lens brings the vector to length √4 = 2. Ten times the vector has the same features, ten times as large.
    found = two_features(normalize_activations="constant_norm_rescale").contribution([0, 1])
    r = torch.tensor([[3.0, 0, 4, 0]])
    # r is 5 long; at length 2 it is (1.2, 0, 1.6, 0), so h = (.2, 0) and the contribution is .2·(2, 0, 0, 1)·5/2.
    assert found(r)[0].tolist() == pytest.approx([1.0, 0, 0, 0.5])
    assert found(10 * r)[0].tolist() == pytest.approx([10.0, 0, 0, 5.0])


@pytest.mark.parametrize("architecture", ["standard", "jumprelu", "gated", "topk"])
@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_none_leaves_every_bit(kind, architecture):
    network, ids = model(kind), torch.arange(3, 13)[None]
    plain = network(ids).logits
    with edited(find_hook(network, "blocks.1.hook_resid_post"), zeroing(autoencoder(sae(architecture)), [])):
        assert torch.equal(network(ids).logits, plain)
    with edited(find_hook(network, "blocks.1.hook_resid_post"), zeroing(autoencoder(sae(architecture)), range(5))):
        assert not torch.equal(network(ids).logits, plain)
    assert torch.equal(network(ids).logits, plain)


@pytest.mark.parametrize("architecture", ["standard", "jumprelu", "gated", "topk"])
def test_all_are_the_reconstruction_without_its_bias(architecture):
    made = sae(architecture)
    hidden = torch.randn(50, made.cfg.d_in, generator=torch.Generator().manual_seed(0))
    contribution = autoencoder(made).contribution(range(made.cfg.d_sae))(hidden)
    torch.testing.assert_close(contribution, made(hidden) - made.b_dec, atol=1e-5, rtol=1e-5)


def test_the_lab_without_any_feature_is_what_its_sae_does_not_reconstruct():
    network = load_model(ModelSpec(id=str(lab.model_path()), device="cpu"))
    found = load_sae(SAESpec(path=str(lab.sae_path())), model_id="lab", device="cpu")
    hook, ids = find_hook(network, found.hook_name), torch.arange(20, 60)[None]
    read = []

    def keep(hidden):
        read.append(hidden)
        return hidden

    with torch.inference_mode(), edited(hook, keep):
        network(ids)
        with (
            edited(hook, zeroing(found, range(found.d_sae))),
            edited(hook, keep),
        ):
            network(ids)
    plain, left = read[0], read[2]
    wanted = plain - (found.sae(plain) - found.sae.b_dec)
    torch.testing.assert_close(left, wanted, atol=1e-4, rtol=1e-4)
    assert float((plain - left).norm() / plain.norm()) > 0.5


def test_half_precision_stays_what_it_is():
    network, ids = model("llama").to(torch.bfloat16), torch.arange(3, 13)[None]
    plain = network(ids).logits
    with edited(find_hook(network, HOOK), zeroing(autoencoder(sae("standard")), [])):
        assert torch.equal(network(ids).logits, plain)


@pytest.mark.parametrize("name", ["blocks.0.hook_resid_pre", "blocks.1.hook_mlp_out", "blocks.1.hook_resid_mid"])
def test_other_places(name):
    network, ids = model("llama"), torch.arange(3, 13)[None]
    plain = network(ids).logits
    with edited(find_hook(network, name), torch.zeros_like):
        assert not torch.equal(network(ids).logits, plain)
    with edited(find_hook(network, name), torch.clone):
        assert torch.equal(network(ids).logits, plain)


def test_inside_a_norm_nothing_can_be_replaced():
    with (
        pytest.raises(UserError, match=r"ln1.hook_normalized is inside a norm"),
        edited(find_hook(model("llama"), "blocks.0.ln1.hook_normalized"), torch.clone),
    ):
        pass
