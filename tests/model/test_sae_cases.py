"""SAE folders as people have them: each gives the features that its project's own code computes, or is refused by name.

The folders are small made-up ones in `tests/cases/sae`, or are written here. The features are computed from their
arrays as the projects define them.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import tiny
from safetensors.torch import load_file, save_file

from sts_eval.errors import UserError
from sts_eval.experiment import SAESpec
from sts_eval.model.hook import find_hook
from sts_eval.model.sae_loading import load_sae

CASES = Path(__file__).parents[1] / "cases" / "sae"
HIDDEN = 3 * torch.randn(23, tiny.HIDDEN, generator=torch.Generator().manual_seed(7))


def load(path, **spec):
    return load_sae(SAESpec(path=str(path), **spec), model_id="tiny", device="cpu")


def features(found):
    return torch.cat([block for _, block in found.encode(HIDDEN)])


def top_k(pre, k):
    """The k largest of each token, and none below zero."""
    kept = pre.relu().topk(k, dim=-1)
    return torch.zeros_like(pre).scatter(-1, kept.indices, kept.values)


def jump_relu(pre, threshold):
    return pre * (pre > threshold)


def same(found, wanted):
    torch.testing.assert_close(features(found), wanted, rtol=1e-4, atol=1e-5)
    assert 0.01 < float((wanted > 0).float().mean()) < 0.99


def noise(*shape, seed=0):
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def write(folder, config, weights, *, config_name="config.json", weights_name="ae.pt"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / config_name).write_text(json.dumps(config))
    if weights_name.endswith(".safetensors"):
        save_file(weights, folder / weights_name)
    else:
        torch.save(weights, folder / weights_name)
    return folder


@pytest.mark.parametrize("path", ["gemma_scope_npz", "gemma_scope_npz/params.npz"])
def test_gemma_scope(path):
    arrays = np.load(CASES / "gemma_scope_npz" / "params.npz")
    w = {name: torch.tensor(arrays[name]) for name in arrays}
    found = load(CASES / path, layer=2)
    assert (found.architecture, found.hook_name) == ("jumprelu", "blocks.2.hook_resid_post")
    same(found, jump_relu(HIDDEN @ w["W_enc"] + w["b_enc"], w["threshold"]))
    with pytest.raises(UserError, match="does not say where it reads"):
        load(CASES / path)


@pytest.mark.parametrize(
    ("repository", "hook"),
    [
        ("models--google--gemma-scope-2b-pt-res/snapshots/x", "blocks.20.hook_resid_post"),
        ("gemma-scope-9b-it-mlp", "blocks.20.hook_mlp_out"),
        ("gemma-scope-2b-pt-att", "blocks.20.attn.hook_z"),
    ],
)
def test_gemma_scope_reads_where_its_path_says(tmp_path, repository, hook):
    folder = tmp_path / repository / "layer_20" / "width_16k" / "average_l0_71"
    folder.mkdir(parents=True)
    (folder / "params.npz").write_bytes((CASES / "gemma_scope_npz" / "params.npz").read_bytes())
    assert load(folder).hook_name == hook
    with pytest.raises(UserError, match=r"holds no SAE itself, but 1 of its folders do\. .*average_l0_71"):
        load(tmp_path)


def test_gemma_scope_2():
    w = load_file(CASES / "gemma_scope_2" / "params.safetensors")
    found = load(CASES / "gemma_scope_2")
    assert find_hook(tiny.model("gemma3"), found.hook_name).name == "blocks.2.hook_resid_post"
    same(found, jump_relu(HIDDEN @ w["w_enc"] + w["b_enc"], w["threshold"]))


@pytest.mark.parametrize("changes", [{"hf_hook_point_out": "model.layers.2.mlp.output"}, {"type": "transcoder"}])
def test_a_transcoder_of_gemma_scope_2(tmp_path, changes):
    config = json.loads((CASES / "gemma_scope_2" / "config.json").read_text()) | changes
    weights = load_file(CASES / "gemma_scope_2" / "params.safetensors")
    folder = write(tmp_path, config, weights, weights_name="params.safetensors")
    with pytest.raises(UserError, match="is a transcoder: it reads one place of the model and writes another"):
        load(folder)


def sparsify_features(w, k):
    """sparsify/sparse_coder.py: the bias of the decoder is subtracted, whether the decoder is normalised or not."""
    return top_k((HIDDEN - w["b_dec"]) @ w["encoder.weight"].T + w["encoder.bias"], k)


@pytest.mark.parametrize(
    ("folder", "model", "name"),
    [
        ("layers.2", "llama", "blocks.2.hook_resid_post"),
        ("layers.2.mlp", "llama", "layers.2.mlp"),
        ("h.2", "gpt2", "blocks.2.hook_resid_post"),
        ("gpt_neox.layers.2.attention", "gpt_neox", "gpt_neox.layers.2.attention"),
    ],
)
def test_sparsify_reads_what_the_module_of_its_name_gives(tmp_path, folder, model, name):
    config = json.loads((CASES / "sparsify" / "cfg.json").read_text())
    w = load_file(CASES / "sparsify" / "sae.safetensors")
    place = write(tmp_path / "run" / folder, config, w, config_name="cfg.json", weights_name="sae.safetensors")
    (tmp_path / "run" / "config.json").write_text(json.dumps({"model": "some/model"}))
    found = load(place)
    assert (found.architecture, found.trained_on) == ("topk", "some/model")
    same(found, sparsify_features(w, 8))
    wanted = features(found) @ w["W_dec"] + w["b_dec"]
    torch.testing.assert_close(found.reconstruct(HIDDEN), wanted, rtol=1e-4, atol=1e-5)
    hook = find_hook(tiny.model(model), found.hook_name)
    assert (hook.name, hook.side, hook.layer) == (name, "output", 2)


def test_sparsify_without_its_folders_name_asks_where_it_reads():
    with pytest.raises(UserError, match="does not say where it reads"):
        load(CASES / "sparsify")
    w = load_file(CASES / "sparsify" / "sae.safetensors")
    same(load(CASES / "sparsify", layer=2), sparsify_features(w, 8))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"transcode": True}, "transcoder"), ({"activation": "groupmax"}, "groupmax"), ({"signed": True}, "signed top-k")],
)
def test_what_sparsify_has_and_sae_lens_lacks(tmp_path, changes, said):
    config = json.loads((CASES / "sparsify" / "cfg.json").read_text()) | changes
    w = load_file(CASES / "sparsify" / "sae.safetensors")
    folder = write(tmp_path / "layers.2", config, w, config_name="cfg.json", weights_name="sae.safetensors")
    with pytest.raises(UserError, match=said):
        load(folder)


@pytest.mark.parametrize("path", ["llama_scope", "llama_scope/checkpoints/final.safetensors"])
def test_llama_scope_folds_the_scale_that_its_config_gives(path):
    w = load_file(CASES / "llama_scope" / "checkpoints" / "final.safetensors")
    found, scale = load(CASES / path), math.sqrt(tiny.HIDDEN) / 20.0
    assert found.hook_name == "blocks.2.hook_resid_post"
    assert not found.lacks_scale
    wanted = jump_relu(scale * HIDDEN @ w["encoder.weight"].T + w["encoder.bias"], 0.5 * scale)
    same(found, wanted)
    decoded = (wanted @ w["decoder.weight"].T + w["decoder.bias"]) / scale
    torch.testing.assert_close(found.reconstruct(HIDDEN), decoded, rtol=1e-4, atol=1e-4)


def test_llama_scope_agrees_with_sae_lens(tmp_path, monkeypatch):
    """Its loader takes the scale from the registry, and fetches from the hub; the fetch is replaced by the folder."""
    from sae_lens import SAE
    from sae_lens.loading import pretrained_sae_loaders as loaders

    config = json.loads((CASES / "llama_scope" / "hyperparams.json").read_text()) | {"d_sae": tiny.D_SAE}
    w = load_file(CASES / "llama_scope" / "checkpoints" / "final.safetensors")
    (tmp_path / "checkpoints").mkdir()
    write(tmp_path, config, w, config_name="hyperparams.json", weights_name="checkpoints/final.safetensors")

    def fetch(_repository=None, filename="", subfolder="", **_):
        return str(
            tmp_path / "checkpoints" / filename if "checkpoints" in subfolder else tmp_path / Path(filename).name
        )

    monkeypatch.setattr(loaders, "hf_hub_download", fetch)
    theirs = SAE.load_from_disk(
        tmp_path,
        converter=lambda *_, **__: loaders.llama_scope_sae_huggingface_loader(
            "x", "x", cfg_overrides={"dtype": "float32"}
        )[:2],
    )
    theirs.fold_activation_norm_scaling_factor(math.sqrt(tiny.HIDDEN) / 20.0)
    torch.testing.assert_close(features(load(tmp_path)), theirs.encode(HIDDEN).detach(), rtol=1e-4, atol=1e-5)


def test_bartbussmanns_batch_top_k():
    """sae.py: inputs are centred and divided by their own deviation; this kind adds no encoder bias."""
    with pytest.raises(UserError, match=r"the BatchTopK weights .*sae\.pt are a pickle.*--allow-pickle"):
        load(CASES / "bartbussmann_batchtopk")
    found = load(CASES / "bartbussmann_batchtopk", allow_pickle=True)
    w = torch.load(CASES / "bartbussmann_batchtopk" / "sae.pt", weights_only=True)
    x = HIDDEN - HIDDEN.mean(-1, keepdim=True)
    x = x / (x.std(-1, keepdim=True) + 1e-5)
    assert found.hook_name == "blocks.2.hook_resid_post"
    same(found, top_k((x - w["b_dec"]) @ w["W_enc"], 8))
    assert "no threshold, so each token keeps its 8 largest" in found.warnings[0]


def dictionary(kind, **trainer):
    return {"trainer": {"dict_class": kind, "layer": 2, "lm_name": "some/model", **trainer}, "buffer": {"ctx_len": 128}}


LINEAR = {
    "encoder.weight": noise(tiny.D_SAE, tiny.HIDDEN, seed=1),
    "encoder.bias": noise(tiny.D_SAE, seed=2),
    "decoder.weight": noise(tiny.HIDDEN, tiny.D_SAE, seed=3),
}
PRE = HIDDEN @ LINEAR["encoder.weight"].T + LINEAR["encoder.bias"]
BIAS = noise(tiny.HIDDEN, seed=4)
CENTRED = (HIDDEN - BIAS) @ LINEAR["encoder.weight"].T + LINEAR["encoder.bias"]


@pytest.mark.parametrize(
    ("kind", "weights", "wanted"),
    [
        ("AutoEncoder", LINEAR | {"bias": BIAS}, CENTRED.relu()),
        ("AutoEncoderNew", LINEAR | {"decoder.bias": BIAS}, PRE.relu()),
        ("AutoEncoderTopK", LINEAR | {"b_dec": BIAS, "k": torch.tensor(6)}, top_k(CENTRED, 6)),
        (
            "BatchTopKSAE",
            LINEAR | {"b_dec": BIAS, "k": torch.tensor(6), "threshold": torch.tensor(1.5)},
            jump_relu(CENTRED, 1.5),
        ),
        (
            "JumpReluAutoEncoder",
            {
                "W_enc": LINEAR["encoder.weight"].T.contiguous(),
                "b_enc": LINEAR["encoder.bias"],
                "W_dec": LINEAR["decoder.weight"].T.contiguous(),
                "b_dec": BIAS,
                "threshold": torch.linspace(0, 3, tiny.D_SAE),
            },
            jump_relu(PRE, torch.linspace(0, 3, tiny.D_SAE)),
        ),
    ],
)
def test_dictionary_learning(tmp_path, kind, weights, wanted):
    folder = write(tmp_path, dictionary(kind), weights)
    with pytest.raises(UserError, match=r"the dictionary_learning weights .*ae\.pt are a pickle"):
        load(folder)
    found = load(folder, allow_pickle=True)
    assert (found.hook_name, found.trained_on) == ("blocks.2.hook_resid_post", "some/model")
    same(found, wanted)


def test_a_gated_dictionary(tmp_path):
    extra = {"gate_bias": noise(tiny.D_SAE, seed=5), "mag_bias": noise(tiny.D_SAE, seed=6)}
    weights = {name: LINEAR[name] for name in ("encoder.weight", "decoder.weight")} | extra
    weights |= {"decoder_bias": BIAS, "r_mag": noise(tiny.D_SAE, seed=7)}
    found = load(write(tmp_path, dictionary("GatedAutoEncoder"), weights), allow_pickle=True)
    x = (HIDDEN - BIAS) @ weights["encoder.weight"].T
    magnitude = (weights["r_mag"].exp() * x + weights["mag_bias"]).relu()
    same(found, magnitude * (x + weights["gate_bias"] > 0))


def test_dictionaries_as_safetensors_need_no_leave_and_say_where_they_read(tmp_path):
    weights = LINEAR | {"bias": BIAS}
    named = dictionary("AutoEncoder", submodule_name="mlp_out_layer_2")
    found = load(write(tmp_path / "mlp", named, weights, weights_name="ae.safetensors"))
    assert found.hook_name == "layers.2.mlp"
    strange = dictionary("AutoEncoder", submodule_name="attention_pattern")
    found = load(write(tmp_path / "else", strange, weights, weights_name="ae.safetensors"))
    with pytest.raises(UserError, match="hook 'attention_pattern' does not exist"):
        find_hook(tiny.model("llama"), found.hook_name)
    with pytest.raises(UserError, match="class of dictionary 'CrossCoder'"):
        load(write(tmp_path / "cross", dictionary("CrossCoder"), weights, weights_name="ae.safetensors"))


def test_qwen_scope(tmp_path):
    folder = tmp_path / "SAE-Res-Qwen3-1.7B-Base-W32K-L0_5"
    weights = {
        "W_enc": LINEAR["encoder.weight"],
        "W_dec": LINEAR["decoder.weight"],
        "b_enc": LINEAR["encoder.bias"],
        "b_dec": BIAS,
    }
    folder.mkdir()
    for layer in (2, 3):
        torch.save(weights, folder / f"layer{layer}.sae.pt")
    with pytest.raises(UserError, match=r"holds several SAEs.*--sae-path .*layer2\.sae\.pt"):
        load(folder, allow_pickle=True)
    found = load(folder / "layer2.sae.pt", allow_pickle=True)
    assert (found.hook_name, found.trained_on) == ("blocks.2.hook_resid_post", "Qwen3-1.7B-Base")
    same(found, top_k(PRE, 5))
    torch.save(weights, tmp_path / "layer2.sae.pt")
    with pytest.raises(UserError, match="does not say how many features fire"):
        load(tmp_path / "layer2.sae.pt", allow_pickle=True)


def test_a_training_checkpoint_of_sae_lens():
    with pytest.raises(
        UserError, match=r"training checkpoint of sae-lens \(batchtopk\).*save_inference_model"
    ) as found:
        load(CASES / "v6_batchtopk_training_cfg")
    assert "pickle" not in str(found.value)


def test_a_scale_that_was_not_folded_in():
    assert load(CASES / "saelens_v5_norm_expected_average_only_in").lacks_scale
    assert not load(CASES / "hook_mlp_out").lacks_scale


@pytest.mark.parametrize("where", ["activation_scaler.json", "activations_store_state.safetensors"])
def test_a_scale_that_lies_beside_the_weights_is_folded_in(tmp_path, where):
    case = CASES / "saelens_v5_norm_expected_average_only_in"
    for file in case.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if where.endswith(".json"):
        (tmp_path / where).write_text(json.dumps({"scaling_factor": 0.25, "has_whitening": False}))
    else:
        save_file({"estimated_norm_scaling_factor": torch.tensor(0.25)}, tmp_path / where)
    w = load_file(case / "sae_weights.safetensors")
    found = load(tmp_path)
    assert not found.lacks_scale
    wanted = ((0.25 * HIDDEN - w["b_dec"]) @ w["W_enc"] + w["b_enc"]).relu()
    same(found, wanted)
    decoded = (wanted @ w["W_dec"] + w["b_dec"]) / 0.25
    torch.testing.assert_close(found.reconstruct(HIDDEN), decoded, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("hook_mlp_out", "blocks.2.hook_mlp_out"),
        ("hook_attn_out", "blocks.2.hook_attn_out"),
        ("hook_ln2", "blocks.2.ln2.hook_normalized"),
        ("hook_resid_mid", "blocks.2.hook_resid_mid"),
        ("hook_sparsify_layers", "blocks.2.hook_resid_post"),
    ],
)
def test_the_place_that_the_sae_names_is_read(case, name):
    hook = find_hook(tiny.model("llama"), load(CASES / case).hook_name)
    assert (hook.name, hook.layer, hook.width) == (name, 2, tiny.HIDDEN)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("key", ["W_enc", "b_dec"])
def test_weights_that_are_not_finite(tmp_path, key, value):
    made = tiny.sae("standard")
    with torch.no_grad():
        getattr(made, key).view(-1)[3] = value
    made.save_model(tmp_path)
    with pytest.raises(UserError, match=f"1 values of {key} are NaN or infinite"):
        load(tmp_path)


def test_weights_that_are_all_zero(tmp_path):
    made = tiny.sae("standard")
    with torch.no_grad():
        made.W_dec.zero_()
    made.save_model(tmp_path)
    with pytest.raises(UserError, match="all values of W_dec are zero"):
        load(tmp_path)


def test_attention_heads_are_read_side_by_side(tmp_path):
    made = tiny.sae("standard", hook_name="blocks.1.attn.hook_z")
    made.cfg.reshape_activations = "hook_z"
    made.save_model(tmp_path)
    w = load_file(tmp_path / "sae_weights.safetensors")
    found = load(tmp_path)
    wanted = ((HIDDEN - w["b_dec"]) @ w["W_enc"] + w["b_enc"]).relu()
    same(found, wanted)
    torch.testing.assert_close(found.encoder([4, 2])(HIDDEN), wanted[:, [4, 2]], rtol=1e-4, atol=1e-5)


def test_a_repository_on_the_hub_in_another_projects_format(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    commit, repository = "0123456789abcdef0123456789abcdef01234567", tmp_path / "models--EleutherAI--sae-tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    config = json.loads((CASES / "sparsify" / "cfg.json").read_text())
    w = load_file(CASES / "sparsify" / "sae.safetensors")
    folder = repository / "snapshots" / commit / "layers.1.mlp"
    write(folder, config, w, config_name="cfg.json", weights_name="sae.safetensors")
    found = load_sae(SAESpec(release="EleutherAI/sae-tiny", id="layers.1.mlp"), model_id="x", device="cpu")
    assert (found.release, found.id, found.path) == ("EleutherAI/sae-tiny", "layers.1.mlp", None)
    assert found.hook_name == "layers.1.mlp"
    same(found, sparsify_features(w, 8))
    with pytest.raises(UserError, match=r"has no folder or file 'layers\.7'\. Check --sae-id"):
        load_sae(SAESpec(release="EleutherAI/sae-tiny", id="layers.7"), model_id="x", device="cpu")


def test_a_finetuning_scale_of_older_sae_lens_is_on_what_the_decoder_is_given(tmp_path):
    config = json.loads((CASES / "hook_mlp_out" / "cfg.json").read_text()) | {"finetuning_scaling_factor": True}
    w = load_file(CASES / "hook_mlp_out" / "sae_weights.safetensors")
    factor = torch.linspace(0.5, 2, tiny.D_SAE)
    scaled = w | {"scaling_factor": factor}
    found = load(write(tmp_path, config, scaled, config_name="cfg.json", weights_name="sae_weights.safetensors"))
    wanted = ((HIDDEN - w["b_dec"]) @ w["W_enc"] + w["b_enc"]).relu()
    same(found, wanted)
    decoded = (wanted * factor) @ w["W_dec"] + w["b_dec"]
    torch.testing.assert_close(found.reconstruct(HIDDEN), decoded, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", [None, 20.0])
def test_later_saes_of_llama_scopes_authors(tmp_path, norm):
    """A threshold for each feature, learned on scaled inputs; the scale may be in the config or nowhere."""
    config = {"hook_point_in": "blocks.2.hook_resid_post", "hook_point_out": "blocks.2.hook_resid_post"}
    config |= {"d_model": tiny.HIDDEN, "act_fn": "jumprelu", "norm_activation": "dataset-wise"}
    config |= {"dataset_average_activation_norm": {"in": norm}} if norm else {}
    w = load_file(CASES / "llama_scope" / "checkpoints" / "final.safetensors")
    threshold = torch.linspace(0.1, 1, tiny.D_SAE)
    scaled = w | {"log_jumprelu_threshold": threshold.log()}
    found = load(write(tmp_path, config, scaled, weights_name="sae_weights.safetensors"))
    scale = math.sqrt(tiny.HIDDEN) / norm if norm else 1.0
    assert found.lacks_scale == (norm is None)
    same(found, jump_relu(scale * HIDDEN @ w["encoder.weight"].T + w["encoder.bias"], threshold))
    other = config | {"hook_point_out": "blocks.2.hook_mlp_out"}
    with pytest.raises(UserError, match="is a transcoder"):
        load(write(tmp_path, other, scaled, weights_name="sae_weights.safetensors"))


@pytest.mark.parametrize(
    ("module", "model", "hook"),
    [
        ("resid_post_layer_2", "some/model", "blocks.2.hook_resid_post"),
        ("resid_pre_layer_2", "some/model", "blocks.2.hook_resid_pre"),
        ("attn_out_layer_2", "some/model", "blocks.2.hook_attn_out"),
        ("attn_out_layer_2", "google/gemma-2-2b", "layers.2.self_attn"),
        ("mlp_out_layer_2", "some/model", "layers.2.mlp"),
    ],
)
def test_what_dictionary_learning_calls_a_place(tmp_path, module, model, hook):
    config = dictionary("AutoEncoder", submodule_name=module, lm_name=model)
    folder = write(tmp_path, config, LINEAR | {"bias": BIAS}, weights_name="ae.safetensors")
    assert load(folder).hook_name == hook
    assert load(folder, layer=1).trained_at == hook  # with which the place that is asked for is compared


@pytest.mark.parametrize(("scaling", "threshold"), [("token-wise", 0.1), ("inference", 0.3)])
def test_what_scales_the_inputs_of_lm_saes(tmp_path, scaling, threshold):
    """lm_saes/sae.py, compute_norm_factor: √d over the norm of each input; or 1, the weights being scaled already."""
    config = {"hook_point_in": "blocks.2.hook_resid_post", "act_fn": "jumprelu", "norm_activation": scaling}
    w = load_file(CASES / "llama_scope" / "checkpoints" / "final.safetensors")
    limits = torch.full((tiny.D_SAE,), threshold)
    folder = write(
        tmp_path, config, w | {"log_jumprelu_threshold": limits.log()}, weights_name="sae_weights.safetensors"
    )
    factor = math.sqrt(tiny.HIDDEN) / HIDDEN.norm(dim=-1, keepdim=True) if scaling == "token-wise" else 1.0
    found = load(folder)
    wanted = jump_relu(factor * HIDDEN @ w["encoder.weight"].T + w["encoder.bias"], limits)
    same(found, wanted)
    decoded = (wanted @ w["decoder.weight"].T + w["decoder.bias"]) / factor
    torch.testing.assert_close(found.reconstruct(HIDDEN), decoded, rtol=1e-4, atol=1e-4)


def test_a_scale_of_lm_saes_that_depends_on_the_batch(tmp_path):
    config = {"hook_point_in": "blocks.2.hook_resid_post", "act_fn": "relu", "norm_activation": "batch-wise"}
    w = load_file(CASES / "llama_scope" / "checkpoints" / "final.safetensors")
    with pytest.raises(UserError, match="norm_activation 'batch-wise', which is not supported"):
        load(write(tmp_path, config, w, weights_name="sae_weights.safetensors"))


OLD = {"d_in": tiny.HIDDEN, "d_sae": tiny.D_SAE, "hook_name": "blocks.2.hook_resid_post", "apply_b_dec_to_input": False}
PLAIN = {
    "W_enc": LINEAR["encoder.weight"].T.contiguous(),
    "W_dec": LINEAR["decoder.weight"].T.contiguous(),
    "b_enc": LINEAR["encoder.bias"],
    "b_dec": BIAS,
}


def old(folder, config, weights=PLAIN):
    """A folder of sae-lens before 6.0."""
    return write(folder, OLD | config, weights, config_name="cfg.json", weights_name="sae_weights.safetensors")


@pytest.mark.parametrize("name", ["activation_fn_str", "activation_fn"])
@pytest.mark.parametrize("activation", ["tanh-relu", "gelu"])
def test_an_activation_that_sae_lens_no_longer_has(tmp_path, name, activation):
    with pytest.raises(UserError, match=f"has the activation '{activation}', which is not supported"):
        load(old(tmp_path, {name: activation}))


@pytest.mark.parametrize(
    "config",
    [
        {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5}},
        {"activation_fn": "topk", "activation_fn_k": 5},
        {"activation_fn": "topk", "k": 5},
    ],
)
def test_older_ways_to_name_a_top_k(tmp_path, config):
    same(load(old(tmp_path, config)), top_k(PRE, 5))
    with pytest.raises(UserError, match="does not say how many features fire on a token"):
        load(old(tmp_path, {"activation_fn": "topk"}))


@pytest.mark.parametrize(
    ("config", "weights", "said"),
    [
        ({"d_sae": 7}, PLAIN, rf"W_enc has the shape \[{tiny.HIDDEN}, {tiny.D_SAE}\], not \[{tiny.HIDDEN}, 7\]"),
        ({}, PLAIN | {"W_enc": LINEAR["encoder.weight"]}, rf"W_enc has the shape \[{tiny.D_SAE}, {tiny.HIDDEN}\], not"),
        ({}, {name: w for name, w in PLAIN.items() if name != "b_dec"}, "b_dec is missing"),
        ({}, PLAIN | {"foo": BIAS + 1}, "foo is not known"),
        ({"activation_fn": "topk", "k": tiny.D_SAE + 1}, PLAIN, f"has k = {tiny.D_SAE + 1}, but it has {tiny.D_SAE}"),
    ],
)
def test_a_config_that_does_not_fit_the_weights(tmp_path, config, weights, said):
    with pytest.raises(UserError, match=said):
        load(old(tmp_path, config, weights))


def test_a_git_lfs_pointer(tmp_path):
    folder = old(tmp_path, {})
    (folder / "sae_weights.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:a\n")
    with pytest.raises(UserError, match="is a Git LFS pointer, not the weights themselves"):
        load(folder)
