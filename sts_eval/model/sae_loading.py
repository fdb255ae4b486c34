"""Loading a sparse autoencoder: a release of sae-lens, a repository of the hub, or a folder; and what is refused."""

import difflib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError

from sts_eval.errors import UserError
from sts_eval.experiment import SAESpec
from sts_eval.model import known_saes as known
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.model.sae_formats import Found, find_sae
from sts_eval.model.sae_terms import refuse_transcoder

# Architectures that encode each token for itself, from one vector. (sae-lens's temporal ones read whole texts.)
SUPPORTED = frozenset({"standard", "jumprelu", "gated", "topk", "abstopk", "matching_pursuit"})

# What a damaged or foreign file raises from one parser or another.
_DAMAGE = (KeyError, TypeError, ValueError, RuntimeError, EOFError, BadZipFile, SafetensorError, UnpicklingError)

# The first bytes of the file that Git LFS leaves where it has not fetched the content.
_LFS = b"version https://git-lfs.github.com/spec/"

# What torch's load_state_dict says of a tensor.
_MISFIT = re.compile(
    r"size mismatch for (?P<name>\S+): .*?torch\.Size\((?P<shape>.*?)\) .*?torch\.Size\((?P<wanted>.*?)\)"
    r"|Missing key\(s\) in state_dict: (?P<missing>.+?)\. *$|Unexpected key\(s\) in state_dict: (?P<extra>.+?)\. *$",
    re.MULTILINE,
)


def load_sae(spec: SAESpec, *, model_id: str, device: str) -> SparseAutoencoder:
    """Load the SAE that a description names, or the known one for its model.

    Raises:
        UserError: Nothing is named or known for the model, it does not exist, its weights are damaged, it is of a kind
            that cannot be used, or it is a pickle that is not allowed.
    """
    if spec.path is not None:
        path = Path(spec.path).expanduser()
        return replace(_load_path(spec, path, device), path=str(path))
    return _load_release(_named(spec, model_id), device)


def check_named(spec: SAESpec, *, model_id: str) -> str:
    """Check that the SAE that `load_sae` would load is there and allowed, without reading its weights.

    Returns:
        Its name: the folder, or the release and the id.

    Raises:
        UserError: It is not there, or is a pickle that is not allowed.
    """
    if spec.path is not None:
        path = Path(spec.path).expanduser()
        with _loading(f"the SAE in {path}"):
            _found(spec, path)
        return str(path)
    release, identity = _registered(_named(spec, model_id))
    _check_pickle(spec, release)
    return f"{release}, {identity}"


def _named(spec: SAESpec, model_id: str) -> SAESpec:
    """The description with the known SAE of a model where it names none."""
    if spec.release is not None:
        return spec
    if model_id not in known.DEFAULTS:
        raise _no_default(model_id)
    default = known.DEFAULTS[model_id]
    return spec.model_copy(update={"release": default.release, "id": spec.id or default.id})


def wrap_sae(sae: Any, spec: SAESpec) -> SparseAutoencoder:
    """An SAE of sae-lens that is loaded already. The description says at most where to read.

    Raises:
        UserError: It is of a kind that cannot be used, or does not say where it reads.
    """
    neuronpedia = getattr(sae.cfg.metadata, "neuronpedia_id", None)
    return _checked(spec, sae, "the SAE", neuronpedia_id=neuronpedia)


def _load_release(spec: SAESpec, device: str) -> SparseAutoencoder:
    from sae_lens import SAE

    release, identity = _registered(spec)
    entry = known.directory().get(release)
    if entry is None:
        return replace(_load_path(spec, _fetched(release, identity), device), release=release, id=identity)
    _check_pickle(spec, release)
    name = f"SAE {identity!r} of release {release!r}"
    with _loading(name), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "norm_scaling_factor not found")  # said in our words
        try:
            sae = SAE.from_pretrained(release, identity, device=device, dtype="float32")
        except OSError as error:
            raise _not_fetched(name, error) from error
    return _checked(spec, sae, name, release=release, id=identity, neuronpedia_id=entry.neuronpedia_id.get(identity))


def _fetched(repository: str, identity: str) -> Path:
    """A folder or file of a hub repository that sae-lens's registry does not list."""
    from huggingface_hub import snapshot_download

    try:
        root = snapshot_download(repository, allow_patterns=[identity, f"{identity}/*", "config.json"])
    except OSError as error:
        raise _not_fetched(f"SAE {identity!r} of {repository}", error) from error
    path = Path(root) / identity
    if not path.exists():
        raise UserError(
            f"the repository {repository} has no folder or file {identity!r}", "Check --sae-id against its files"
        )
    return path


def _not_fetched(name: str, error: OSError) -> UserError:
    return UserError(
        f"{name} cannot be fetched ({type(error).__name__})",
        "Check the network and `hf auth login`, or give a folder with --sae-path",
    )


def _check_pickle(spec: SAESpec, release: str) -> None:
    if known.is_pickled(release) and not spec.allow_pickle:
        raise _pickle(f"the weights of release {release!r}")


def _pickle(what: str) -> UserError:
    return UserError(
        f"{what} are a pickle, which can run code when it is opened",
        "Pass --allow-pickle (in lm_eval: --metadata allow_pickle=true) if you trust its authors",
    )


def _registered(spec: SAESpec) -> tuple[str, str]:
    release, entries = str(spec.release), known.directory()
    if release not in entries:
        if "/" in release and spec.id:
            return release, spec.id  # a hub repository
        raise UserError(
            f"sae-lens has no release {release!r}",
            f"Nearest: {', '.join(_near(release, entries))}; `sts-eval list saes MODEL` lists a model's",
        )
    ids = entries[release].saes_map
    if spec.id is None and len(ids) == 1:
        return release, next(iter(ids))
    if spec.id is None or spec.id not in ids:
        what = f"has no id {spec.id!r}" if spec.id else "holds several SAEs"
        raise UserError(f"release {release!r} {what}", f"Pass --sae-id, such as {', '.join(_near(spec.id or '', ids))}")
    return release, spec.id


def _load_path(spec: SAESpec, path: Path, device: str) -> SparseAutoencoder:
    from sae_lens import SAE

    with _loading(f"the SAE in {path}"):
        found = _found(spec, path)
        converted = found.format.read(found.config, found.weights, device)
        config = {**converted.config, "device": device, "dtype": "float32"}
        sae = SAE.load_from_disk(path, converter=lambda *_, **__: (config, converted.weights))
        if converted.scale is not None:
            sae.fold_activation_norm_scaling_factor(converted.scale)
    neuronpedia = getattr(sae.cfg.metadata, "neuronpedia_id", None)
    return _checked(spec, sae, f"the SAE in {path}", neuronpedia_id=neuronpedia, warnings=converted.warnings)


def _found(spec: SAESpec, path: Path) -> Found:
    """The SAE in a folder or file, if it may be opened."""
    found = find_sae(path)
    with found.weights.open("rb") as opened:
        if opened.read(len(_LFS)) == _LFS:
            raise UserError(
                f"{found.weights} is a Git LFS pointer, not the weights themselves",
                f"Run `git lfs pull` in {found.weights.parent}, or fetch the repository with `hf download`",
            )
    if found.pickled and not spec.allow_pickle:
        raise _pickle(f"the {found.format.name} weights {found.weights}")
    return found


@contextmanager
def _loading(name: str) -> Iterator[None]:
    """Say in one line what a parser finds wrong with a file."""
    try:
        yield
    except _DAMAGE as error:
        misfits = "; ".join(map(_misfit, _MISFIT.finditer(str(error))))
        reason = misfits or (str(error) or type(error).__name__).splitlines()[0]
        if isinstance(error, KeyError):
            reason = f"{reason} is missing"
        advice = (
            "Check its config against its weights, or fetch or save it again" if misfits else "Fetch or save it again"
        )
        raise UserError(f"{name} cannot be loaded ({reason})", advice) from error


def _misfit(found: re.Match[str]) -> str:
    """What is wrong with a tensor: its shape, or that it is missing or not known."""
    if found["name"]:
        return f"{found['name']} has the shape {found['shape']}, not {found['wanted']}"
    what, names = ("missing", found["missing"]) if found["missing"] else ("not known", found["extra"])
    return f"{names.replace(chr(34), '')} {'are' if ',' in names else 'is'} {what}"


def _checked(spec: SAESpec, sae: Any, name: str, **rest: Any) -> SparseAutoencoder:
    """Refuse what would give wrong features, and say what may."""
    architecture, config = sae.cfg.architecture(), sae.cfg
    if "transcoder" in architecture:
        refuse_transcoder(name)
    if architecture not in SUPPORTED:
        raise UserError(
            f"{name} is of the architecture {architecture!r}, which does not encode each token by itself",
            "Choose an SAE of another architecture",
        )
    if config.metadata.hook_head_index is not None:
        raise UserError(
            f"{name} reads one attention head ({config.metadata.hook_name}, head {config.metadata.hook_head_index})",
            "Choose an SAE that reads the whole site",
        )
    k = getattr(config, "k", None)
    if k is not None and not 0 < k <= config.d_sae:
        raise UserError(
            f"{name} has k = {k:g}, but it has {config.d_sae} features",
            "Correct k in its config, or fetch it again",
        )
    for key, weight in sae.state_dict().items():
        bad = torch.isnan(weight) if key == "threshold" else ~torch.isfinite(weight)  # some never fire: infinite
        if bad.any():
            raise UserError(
                f"{name}: {int(bad.sum())} values of {key} are NaN or infinite", "Fetch it again, or choose another SAE"
            )
        if key in ("W_enc", "W_dec") and not weight.any():
            raise UserError(f"{name}: all values of {key} are zero", "Fetch it again, or choose another SAE")
    if config.reshape_activations == "hook_z":  # heads are read side by side already
        config.reshape_activations = "none"
        sae.turn_off_forward_pass_hook_z_reshaping()
    return SparseAutoencoder(sae, _hook_name(spec, sae), **rest)


def _hook_name(spec: SAESpec, sae: Any) -> str:
    """Where to read: as the user says, else as the SAE says."""
    if spec.hook is not None:
        return spec.hook
    if spec.layer is not None:
        return f"blocks.{spec.layer}.hook_resid_post"
    named = getattr(sae.cfg.metadata, "hook_name", None)
    if not named:
        raise UserError(
            "the SAE does not say where it reads",
            "Pass --layer L or --hook: where it was trained (--layer L is the residual stream after block L)",
        )
    return str(named)


def _no_default(model_id: str) -> UserError:
    releases = known.releases_for(model_id)
    if releases:
        return UserError(
            f"several SAEs exist for {model_id} and none is the known default",
            f"Pass --sae-release (one of {', '.join(releases)}) and --sae-id",
        )
    return UserError(
        f"sae-lens lists no residual-stream SAE for {model_id}",
        "Pass --sae-path FOLDER, or --sae-release and --sae-id of an SAE that was trained on it",
    )


def _near(name: str, names: Any) -> list[str]:
    return difflib.get_close_matches(name, names, n=4, cutoff=0.3) or list(names)[:4]
