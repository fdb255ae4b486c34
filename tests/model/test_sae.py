"""Every format loads to the same features, chosen columns are the full encoding's, and mistakes are named."""

import json

import numpy as np
import pytest
import torch
from helpers import tiny
from sae_lens import SAE

from sts_eval.errors import UserError
from sts_eval.experiment import SAESpec
from sts_eval.model import sae as sae_module
from sts_eval.model.sae_loading import load_sae

ARCHITECTURES = ["standard", "jumprelu", "gated", "topk"]
HIDDEN = torch.randn(23, tiny.HIDDEN, generator=torch.Generator().manual_seed(7))


def load(folder, **spec):
    return load_sae(SAESpec(path=str(folder), **spec), model_id="tiny", device="cpu")


def encoded(autoencoder):
    return torch.cat([block for _, block in autoencoder.encode(HIDDEN)])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_folder_that_sae_lens_wrote(tmp_path, architecture):
    made = tiny.sae(architecture)
    made.save_model(tmp_path)
    found = load(tmp_path)
    assert (found.architecture, found.d_in, found.d_sae) == (architecture, tiny.HIDDEN, tiny.D_SAE)
    assert found.hook_name == "blocks.1.hook_resid_post"
    wanted = SAE.load_from_disk(tmp_path).encode(HIDDEN).detach()
    assert torch.equal(encoded(found), wanted)
    assert 0 < float((wanted > 0).float().mean()) < 1
    assert found.weights_sha256() == load(tmp_path).weights_sha256()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("features", [[5], [40, 3, 17, 3], list(range(tiny.D_SAE))])
def test_columns_are_those_of_the_full_encoding(architecture, features):
    autoencoder = tiny.autoencoder(tiny.sae(architecture))
    found = autoencoder.encoder(features)(HIDDEN)
    wanted = autoencoder.sae.encode(HIDDEN).detach()[:, features]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("changes", [{"normalize_activations": "layer_norm"}, {"apply_b_dec_to_input": False}])
def test_columns_keep_the_input_treatment(changes):
    made = tiny.sae("standard")
    for name, value in changes.items():
        setattr(made.cfg, name, value)
    made._setup_activation_normalization()
    autoencoder = tiny.autoencoder(made)
    wanted = made.encode(HIDDEN).detach()[:, [1, 30]]
    torch.testing.assert_close(autoencoder.encoder([1, 30])(HIDDEN), wanted, rtol=1e-5, atol=1e-6)


def test_encoding_goes_in_blocks(monkeypatch):
    autoencoder = tiny.autoencoder(tiny.sae("topk"))
    whole = encoded(autoencoder)
    monkeypatch.setattr(sae_module, "_BLOCK", 5 * tiny.D_SAE)
    blocks = list(autoencoder.encode(HIDDEN))
    assert [len(block) for _, block in blocks] == [5, 5, 5, 5, 3]
    assert [(where.start, where.stop) for where, _ in blocks] == [(0, 5), (5, 10), (10, 15), (15, 20), (20, 23)]
    torch.testing.assert_close(torch.cat([block for _, block in blocks]), whole, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(autoencoder.encoder([7, 2])(HIDDEN), whole[:, [7, 2]], rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(sae_module, "_BLOCK", 1)
    assert all(len(block) == 1 for _, block in autoencoder.encode(HIDDEN))


def test_hidden_states_of_another_precision():
    autoencoder = tiny.autoencoder(tiny.sae("standard"))
    (_, found), *_ = autoencoder.encode(HIDDEN.bfloat16())
    assert found.dtype == torch.float32
    assert torch.equal(found, autoencoder.sae.encode(HIDDEN.bfloat16().float()).detach())


def gemma_scope(folder, d_in=tiny.HIDDEN, d_sae=tiny.D_SAE):
    """Write a JumpReLU SAE as Gemma Scope publishes it. Returns the arrays."""
    noise = np.random.default_rng(3)
    arrays = {
        "w_enc": noise.normal(size=(d_in, d_sae)).astype(np.float32),
        "w_dec": noise.normal(size=(d_sae, d_in)).astype(np.float32),
        "b_enc": noise.normal(size=d_sae).astype(np.float32),
        "b_dec": noise.normal(size=d_in).astype(np.float32),
        "threshold": noise.uniform(0.5, 5, size=d_sae).astype(np.float32),
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "params.npz", **arrays)
    return arrays


def jump_relu(arrays):
    """The features as Gemma Scope's paper defines them."""
    pre = HIDDEN.numpy() @ arrays["w_enc"] + arrays["b_enc"]
    return torch.tensor(pre * (pre > arrays["threshold"]))


def test_gemma_scope_arrays(tmp_path):
    arrays = gemma_scope(tmp_path)
    found = load(tmp_path, layer=20)
    assert found.hook_name == "blocks.20.hook_resid_post"
    assert found.architecture == "jumprelu"
    torch.testing.assert_close(encoded(found), jump_relu(arrays), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.encoder([9, 4])(HIDDEN), jump_relu(arrays)[:, [9, 4]], rtol=1e-5, atol=1e-5)


def test_gemma_scope_arrays_do_not_say_where_they_read(tmp_path):
    gemma_scope(tmp_path)
    with pytest.raises(UserError, match=r"does not say where it reads\. Pass --layer L or --hook"):
        load(tmp_path)


def test_hook_and_layer_are_read_rather_than_what_the_sae_says(tmp_path):
    tiny.sae("standard").save_model(tmp_path)
    assert load(tmp_path, layer=0).hook_name == "blocks.0.hook_resid_post"
    assert load(tmp_path, hook="model.layers.2").hook_name == "model.layers.2"
    assert load(tmp_path, hook="blocks.2.hook_resid_pre", layer=0).hook_name == "blocks.2.hook_resid_pre"


def test_a_pickle_is_loaded_on_request_only(tmp_path):
    made = tiny.sae("standard")
    made.save_model(tmp_path)
    (tmp_path / "sae_weights.safetensors").unlink()
    torch.save(made.state_dict(), tmp_path / "ae.pt")
    with pytest.raises(UserError, match=r"ae\.pt are a pickle.*--allow-pickle"):
        load(tmp_path)
    assert torch.equal(encoded(load(tmp_path, allow_pickle=True)), made.encode(HIDDEN).detach())


class Harmful:
    """What a pickle can do when it is opened."""

    def __reduce__(self):
        return print, ("harm",)


def test_even_an_allowed_pickle_runs_no_code(tmp_path, capsys):
    tiny.sae("standard").save_model(tmp_path)
    (tmp_path / "sae_weights.safetensors").unlink()
    torch.save({"W_enc": Harmful()}, tmp_path / "ae.pt")
    with pytest.raises(UserError, match="cannot be loaded"):
        load(tmp_path, allow_pickle=True)
    assert "harm" not in capsys.readouterr().out


def test_folders_that_hold_no_sae(tmp_path):
    with pytest.raises(UserError, match="there is no SAE folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no SAE"):
        load(tmp_path)
    torch.save({}, tmp_path / "ae.pt")
    with pytest.raises(UserError, match=r"no SAE in a format that is known \(files: ae\.pt\)\. .*needs cfg\.json"):
        load(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"d_sae": 7}, {"architecture": "crystal"}, {"d_in": None}], ids=["shape", "architecture", "nothing"]
)
def test_a_damaged_config(tmp_path, changes):
    tiny.sae("standard").save_model(tmp_path)
    config = tmp_path / "cfg.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **changes}))
    with pytest.raises(UserError, match="cannot be loaded"):
        load(tmp_path)


def test_damaged_files(tmp_path):
    tiny.sae("standard").save_model(tmp_path)
    (tmp_path / "sae_weights.safetensors").write_bytes(b"short")
    with pytest.raises(UserError, match="cannot be loaded"):
        load(tmp_path)
    tiny.sae("standard").save_model(tmp_path)
    (tmp_path / "cfg.json").write_text("{")
    with pytest.raises(UserError, match="cannot be loaded"):
        load(tmp_path)
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    (arrays / "params.npz").write_bytes(b"short")
    with pytest.raises(UserError, match="cannot be loaded"):
        load(arrays, layer=1)
    np.savez(arrays / "params.npz", w_enc=np.zeros((2, 2)))
    with pytest.raises(UserError, match="cannot be loaded"):
        load(arrays, layer=1)
