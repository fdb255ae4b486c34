"""Which SAE goes with which model: a few defaults, and sae-lens's own registry for the rest."""

import difflib
import re
from contextlib import suppress
from typing import Any, NamedTuple


class KnownSAE(NamedTuple):
    """A sae-lens release and id."""

    release: str
    id: str


# The paper's three models first (its Qwen SAE is not published; the nearest public one stands in),
# then one residual-stream SAE at about three quarters of the depth for models in wide use today.
DEFAULTS = {
    "meta-llama/Meta-Llama-3-8B-Instruct": KnownSAE("llama-3-8b-it-res-jh", "blocks.25.hook_resid_post"),
    "Qwen/Qwen2.5-7B-Instruct": KnownSAE("qwen2.5-7b-instruct-andyrdt", "resid_post_layer_23_trainer_1"),
    "google/gemma-2-9b-it": KnownSAE("gemma-scope-9b-it-res", "layer_31/width_131k/average_l0_13"),
    "google/gemma-2-9b": KnownSAE("gemma-scope-9b-pt-res-canonical", "layer_31/width_131k/canonical"),
    "google/gemma-2-2b": KnownSAE("gemma-scope-2b-pt-res-canonical", "layer_20/width_65k/canonical"),
    "google/gemma-3-4b-it": KnownSAE("gemma-scope-2-4b-it-res", "layer_22_width_65k_l0_medium"),
    "meta-llama/Llama-3.1-8B": KnownSAE("llama_scope_lxr_8x", "l25r_8x"),
    "meta-llama/Llama-3.1-8B-Instruct": KnownSAE("llama-3.1-8b-instruct-andyrdt", "resid_post_layer_23_trainer_1"),
    "google/gemma-3-1b-it": KnownSAE("gemma-scope-2-1b-it-res", "layer_17_width_65k_l0_medium"),
    "google/gemma-3-1b-pt": KnownSAE("gemma-scope-2-1b-pt-res", "layer_17_width_65k_l0_medium"),
    "google/gemma-3-270m-it": KnownSAE("gemma-scope-2-270m-it-res", "layer_12_width_65k_l0_medium"),
    "google/gemma-3-270m": KnownSAE("gemma-scope-2-270m-pt-res", "layer_12_width_65k_l0_medium"),
    # OpenAI's normalise what they read, so that it is no matter that they were trained on centred activations.
    "openai-community/gpt2": KnownSAE("gpt2-small-resid-post-v5-32k", "blocks.8.hook_resid_post"),
    "gpt2": KnownSAE("gpt2-small-resid-post-v5-32k", "blocks.8.hook_resid_post"),
    "EleutherAI/pythia-70m-deduped": KnownSAE("pythia-70m-deduped-res-sm", "blocks.4.hook_resid_post"),
    "Qwen/Qwen3-8B-Base": KnownSAE("qwen-scope-3-8b-base-w64k-l50", "layer25"),
}

# Loaders of sae-lens that unpickle their weights, by the name that its registry gives them.
_PICKLED = frozenset({"connor_rob_hook_z", "deepseek_r1", "dictionary_learning_1", "goodfire", "qwen_scope"})

# Parts of release names that say the SAE reads something else than the residual stream.
_OTHER_PLACES = re.compile(r"transcoder|clt|[-_]att|[-_]mlp|hook-z|lx[am]_")


def directory() -> dict[str, Any]:
    """sae-lens's registry, release by release."""
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    entries: dict[str, Any] = get_pretrained_saes_directory()
    return entries


def releases_for(model_id: str) -> list[str]:
    """Releases with residual-stream SAEs for a model, or for the base it is an instruct version of.

    The registry names some models by TransformerLens' short names, so owner, case and a final `-it` or `-instruct` are
    not compared, nor the `-small` of GPT-2.
    """
    wanted = _stem(model_id)
    return sorted(
        release
        for release, entry in directory().items()
        if _stem(entry.model) == wanted and not _OTHER_PLACES.search(release)
    )


def near_models(model_id: str) -> list[str]:
    """Names of models that have residual-stream SAEs and are spelled much like this one, the nearest first."""
    entries = (entry for name, entry in directory().items() if not _OTHER_PLACES.search(name))
    named = {_short(entry.model): entry.model for entry in entries}
    named |= {_short(name): name for name in DEFAULTS}  # hub ids, which --model takes
    return [named[short] for short in difflib.get_close_matches(_short(model_id), sorted(named))]


def is_trained_on(release: str, model_id: str) -> bool:
    """Whether the SAEs of a release were trained on this very model, not on its base or its instruct version."""
    return _short(directory()[release].model) == _short(model_id)


def same_model(trained_on: str, model_id: str) -> bool:
    """Whether two names are of one model, or of a base model and its instruct version.

    TransformerLens' names (`gpt2-small`) are looked up in its list.
    """
    from transformer_lens.loading_from_pretrained import get_official_model_name

    def stem(name: str) -> str:
        with suppress(ValueError):  # it is none of its names
            name = get_official_model_name(name)
        return re.sub(r"[^a-z0-9]|(?<=gemma-)v(?=3)", "", _stem(name))

    return stem(trained_on) == stem(model_id)


def _short(model_id: str) -> str:
    name = model_id.rstrip("/").rsplit("/", 1)[-1].lower().removeprefix("meta-")
    return re.sub(r"(-base|-pt|(?<=^gpt2)-small)$", "", name)


def _stem(model_id: str) -> str:
    return re.sub(r"(-it|-instruct)$", "", _short(model_id))


def is_pickled(release: str) -> bool:
    """Whether a release's weights are a pickle."""
    entry = directory().get(release)
    return entry is not None and entry.conversion_func in _PICKLED


def neuronpedia_url(neuronpedia_id: str | None, feature: int) -> str | None:
    """The public page of a feature, or None where the SAE has none."""
    return f"https://www.neuronpedia.org/{neuronpedia_id}/{feature}" if neuronpedia_id else None
