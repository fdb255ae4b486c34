"""sae-lens's registry, and its own loaders on a hub cache that a test filled: no network."""

import json
from types import SimpleNamespace

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from helpers import tiny

from sts_eval.errors import UserError
from sts_eval.experiment import SAESpec
from sts_eval.model import known_saes as known
from sts_eval.model.sae_loading import load_sae

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An offline hub cache. Returns a function that makes a repository's snapshot folder in it."""
    cache = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def snapshot(repository):
        folder = cache / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text(COMMIT)
        made = folder / "snapshots" / COMMIT
        made.mkdir(parents=True, exist_ok=True)
        return made

    return snapshot


def load(model_id="nobody/nothing", **spec):
    return load_sae(SAESpec(**spec), model_id=model_id, device="cpu")


def test_a_gemma_scope_release(hub, monkeypatch):
    """The loader's own sizes are Gemma's, 300 MB of weights: both are shrunk, and nothing else is touched."""
    from sae_lens.loading import pretrained_sae_loaders as loaders

    folder = hub("google/gemma-scope-2b-pt-res") / "layer_20" / "width_16k" / "average_l0_71"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    arrays = {
        "w_enc": noise.normal(size=(8, 16)),
        "w_dec": noise.normal(size=(16, 8)),
        "b_enc": noise.normal(size=16),
        "b_dec": noise.normal(size=8),
        "threshold": noise.uniform(0.5, 2, size=16),
    }
    np.savez(folder / "params.npz", **{name: array.astype(np.float32) for name, array in arrays.items()})
    original = loaders.get_gemma_2_config_from_hf
    monkeypatch.setattr(
        loaders, "get_gemma_2_config_from_hf", lambda *args: {**original(*args), "d_in": 8, "d_sae": 16}
    )
    found = load(release="gemma-scope-2b-pt-res", id="layer_20/width_16k/average_l0_71")
    assert (found.release, found.id, found.path) == ("gemma-scope-2b-pt-res", "layer_20/width_16k/average_l0_71", None)
    assert found.hook_name == "blocks.20.hook_resid_post"
    assert found.architecture == "jumprelu"
    hidden = torch.tensor(noise.normal(size=(5, 8)), dtype=torch.float32)
    pre = hidden.double().numpy() @ arrays["w_enc"] + arrays["b_enc"]
    wanted = torch.tensor(pre * (pre > arrays["threshold"]), dtype=torch.float32)
    torch.testing.assert_close(next(found.encode(hidden))[1], wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.encoder([3, 0])(hidden), wanted[:, [3, 0]], rtol=1e-4, atol=1e-5)


def test_a_release_in_sae_lens_format_and_its_page(hub):
    made = tiny.sae("standard", hook_name="blocks.7.hook_resid_pre")
    made.save_model(hub("jbloom/GPT2-Small-SAEs-Reformatted") / "blocks.7.hook_resid_pre")
    found = load(release="gpt2-small-res-jb", id="blocks.7.hook_resid_pre")
    assert found.hook_name == "blocks.7.hook_resid_pre"
    assert found.neuronpedia_id == "gpt2-small/7-res-jb"
    assert known.neuronpedia_url(found.neuronpedia_id, 5) == "https://www.neuronpedia.org/gpt2-small/7-res-jb/5"
    hidden = torch.randn(4, tiny.HIDDEN)
    assert torch.equal(next(found.encode(hidden))[1], made.encode(hidden).detach())


def test_a_hub_repository_that_the_registry_does_not_know(hub):
    tiny.sae("topk").save_model(hub("somebody/their-saes") / "layer_1")
    found = load(release="somebody/their-saes", id="layer_1")
    assert (found.architecture, found.hook_name) == ("topk", "blocks.1.hook_resid_post")
    assert found.neuronpedia_id is None


def test_the_default_of_a_model(hub, monkeypatch):
    made = tiny.sae("standard", hook_name="blocks.7.hook_resid_pre")
    made.save_model(hub("jbloom/GPT2-Small-SAEs-Reformatted") / "blocks.7.hook_resid_pre")
    monkeypatch.setitem(known.DEFAULTS, "tiny/gpt2", known.KnownSAE("gpt2-small-res-jb", "blocks.7.hook_resid_pre"))
    assert load("tiny/gpt2").release == "gpt2-small-res-jb"


def test_every_default_is_in_the_registry():
    for default in known.DEFAULTS.values():
        assert default.id in known.directory()[default.release].saes_map


def test_what_is_not_in_the_cache_cannot_be_fetched(hub):
    hub("jbloom/GPT2-Small-SAEs-Reformatted")
    with pytest.raises(UserError, match=r"of release 'gpt2-small-res-jb' cannot be fetched .*--sae-path"):
        load(release="gpt2-small-res-jb", id="blocks.7.hook_resid_pre")


def test_an_unknown_release_names_near_ones():
    with pytest.raises(UserError, match=r"no release 'gemma-scope-2b-res'.*Nearest: .*gemma-scope-2b-pt-res"):
        load(release="gemma-scope-2b-res", id="x")


def test_an_unknown_id_names_near_ones():
    with pytest.raises(
        UserError, match=r"has no id 'blocks\.7\.resid_pre'\. Pass --sae-id, .*blocks\.7\.hook_resid_pre"
    ):
        load(release="gpt2-small-res-jb", id="blocks.7.resid_pre")
    with pytest.raises(UserError, match=r"'gpt2-small-res-jb' holds several SAEs\. Pass --sae-id, such as blocks"):
        load(release="gpt2-small-res-jb")


def test_no_default_lists_the_releases_of_the_model():
    with pytest.raises(
        UserError, match=r"several SAEs exist for google/gemma-2-2b-it .*gemma-scope-2b-pt-res"
    ) as caught:
        load("google/gemma-2-2b-it")
    for elsewhere in ("gemma-scope-2b-pt-mlp", "gemma-scope-2b-pt-att", "transcoder"):
        assert elsewhere not in str(caught.value)


def test_no_default_and_no_release():
    with pytest.raises(UserError, match="lists no residual-stream SAE for nobody/nothing"):
        load()


def test_a_pickled_release_needs_leave():
    release = next(name for name, entry in known.directory().items() if entry.conversion_func == "goodfire")
    with pytest.raises(UserError, match=f"the weights of release '{release}' are a pickle"):
        load(release=release, id=next(iter(known.directory()[release].saes_map)))


def test_releases_for_a_model_by_any_of_its_names(monkeypatch):
    names = {"a": "meta-llama/Meta-Llama-3-8B", "b": "llama-3-8b-instruct", "c-mlp": "llama-3-8b", "d": "llama-3.1-8b"}
    entries = {release: SimpleNamespace(model=model) for release, model in names.items()}
    monkeypatch.setattr(known, "directory", lambda: entries)
    assert known.releases_for("meta-llama/Meta-Llama-3-8B-Instruct") == ["a", "b"]


def test_the_pickled_loaders_are_still_the_ones_that_unpickle():
    """A loader of a new sae-lens that calls torch.load must join the list."""
    import inspect

    from sae_lens.loading import pretrained_sae_loaders as loaders

    unpickling = {
        name
        for name, loader in loaders.NAMED_PRETRAINED_SAE_LOADERS.items()
        if "torch.load(" in inspect.getsource(loader)
    }
    in_use = {entry.conversion_func for entry in known.directory().values()}
    releases = {entry.conversion_func: release for release, entry in known.directory().items()}
    assert unpickling & in_use == {kind for kind in in_use if kind and known.is_pickled(releases[kind])}
    assert json.dumps(sorted(unpickling & in_use)) != "[]"


def test_a_model_that_is_unknown_has_near_ones():
    assert known.near_models("gpt")[0] == "gpt2"
    assert "google/gemma-2-9b-it" in known.near_models("google/gema-2-9b-it")
    assert known.near_models("zzzzzz") == []
