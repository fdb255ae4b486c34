"""Loading a sparse autoencoder through sae-lens, and encoding all or some of its features."""

from __future__ import annotations

import copy
import difflib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from sts_eval.errors import UserError
from sts_eval.experiment import SAESpec
from sts_eval.model import known_saes as known

# Architectures whose features are computed one by one. A top-k needs all to know which survive.
ELEMENTWISE = frozenset({"standard", "jumprelu", "gated"})

# The axis along which each of their weights counts features; other weights are shared by all.
_FEATURE_AXIS = {"W_enc": 1, "W_dec": 0, "b_enc": 0, "threshold": 0, "b_gate": 0, "b_mag": 0, "r_mag": 0}

# What a damaged or foreign file raises from one parser or another.
_DAMAGE = (KeyError, TypeError, ValueError, RuntimeError, EOFError, BadZipFile, SafetensorError, UnpicklingError)

_PICKLES = (".pt", ".pth", ".bin", ".pkl")

# Elements of one block of activations, (tokens, d_sae): bounds memory whatever the width.
_BLOCK = 2**25


@dataclass(frozen=True)
class SparseAutoencoder:
    """An SAE that is ready to encode, and what identifies it: a sae-lens release and an id in it, or a folder."""

    sae: Any  # the sae-lens module
    hook_name: str  # where it reads, in TransformerLens' names or as a module path
    release: str | None = None
    id: str | None = None
    path: str | None = None
    neuronpedia_id: str | None = None  # `model/source` on neuronpedia.org, None where there is no page

    @property
    def d_in(self) -> int:
        """Width of the residual stream that it reads."""
        return int(self.sae.cfg.d_in)

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return int(self.sae.cfg.d_sae)

    @property
    def architecture(self) -> str:
        """sae-lens's name of the architecture."""
        return str(self.sae.cfg.architecture())

    def weights_sha256(self) -> str:
        """Fingerprint of the weights as loaded, whatever file they came from."""
        digest = hashlib.sha256()
        for name, weight in sorted(self.sae.state_dict().items()):
            digest.update(name.encode())
            digest.update(weight.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()

    @torch.inference_mode()
    def encode(self, hidden: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Encode hidden states of shape (n_tokens, d_in): blocks of tokens, and their float32 (block, d_sae)."""
        size = max(1, _BLOCK // self.d_sae)
        for start in range(0, len(hidden), size):
            block = slice(start, min(start + size, len(hidden)))
            yield block, self.sae.encode(hidden[block].to(self.sae.W_enc.device)).float()

    def encoder(self, features: Sequence[int]) -> Callable[[Tensor], Tensor]:
        """From hidden states to activations of chosen features, float32, shape (n_tokens, len(features))."""
        index = torch.tensor(list(features), device=self.sae.W_enc.device)
        if self.architecture not in ELEMENTWISE:  # the features are then chosen out of all of them
            return lambda hidden: torch.cat([block[:, index] for _, block in self.encode(hidden)])
        narrow = self._narrowed(index)
        return lambda hidden: torch.cat([block for _, block in narrow.encode(hidden)])

    def directions(self, features: Sequence[int]) -> NDArray[np.float64]:
        """Decoder rows of chosen features, each at length one (zero where the row is). Shape (n_features, d_in)."""
        rows = self.sae.W_dec.detach()[torch.tensor(features, device=self.sae.W_dec.device)].double()
        return np.asarray(torch.nn.functional.normalize(rows, dim=1).cpu().numpy(), dtype=np.float64)

    def _narrowed(self, index: Tensor) -> SparseAutoencoder:
        config = copy.copy(self.sae.cfg)
        config.d_sae, config.device = len(index), "meta"
        narrow = type(self.sae)(config)
        weights = {
            name: weight.detach().index_select(_FEATURE_AXIS[name], index) if name in _FEATURE_AXIS else weight
            for name, weight in self.sae.state_dict().items()
        }
        narrow.load_state_dict(weights, assign=True)
        narrow.cfg.device = self.sae.cfg.device
        return SparseAutoencoder(narrow, self.hook_name)


def load_sae(spec: SAESpec, *, model_id: str, device: str) -> SparseAutoencoder:
    """Load the SAE that a description names, or the known one for its model.

    Raises:
        UserError: Nothing is named or known for the model, it does not exist, or it is a pickle that is not allowed.
    """
    if spec.path is not None:
        return _load_folder(spec, Path(spec.path).expanduser(), device)
    if spec.release is None:
        if model_id not in known.DEFAULTS:
            raise _no_default(model_id)
        default = known.DEFAULTS[model_id]
        spec = spec.model_copy(update={"release": default.release, "id": spec.id or default.id})
    return _load_release(spec, device)


def _load_release(spec: SAESpec, device: str) -> SparseAutoencoder:
    from sae_lens import SAE

    release, identity = _registered(spec)
    if known.is_pickled(release) and not spec.allow_pickle:
        raise UserError(
            f"the weights of release {release!r} are a pickle, which can run code when it is opened",
            "Pass --allow-pickle (in lm_eval: --metadata allow_pickle=true) if you trust its authors",
        )
    try:
        sae = SAE.from_pretrained(release, identity, device=device, dtype="float32")
    except OSError as error:
        raise UserError(
            f"SAE {identity!r} of release {release!r} cannot be fetched ({type(error).__name__})",
            "Check the network and `hf auth login`, or give a folder with --sae-path",
        ) from error
    entry = known.directory().get(release)
    neuronpedia = entry.neuronpedia_id.get(identity) if entry else None
    return SparseAutoencoder(sae, _hook_name(spec, sae), release, identity, neuronpedia_id=neuronpedia)


def _registered(spec: SAESpec) -> tuple[str, str]:
    release, entries = str(spec.release), known.directory()
    if release not in entries:
        if "/" in release and spec.id:
            return release, spec.id  # a hub repository in sae-lens's own format
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


def _load_folder(spec: SAESpec, folder: Path, device: str) -> SparseAutoencoder:
    from sae_lens import SAE

    if not folder.is_dir():
        raise UserError(
            f"there is no SAE folder {folder}", "Give a folder that holds cfg.json and sae_weights.safetensors"
        )
    names = {path.name for path in folder.iterdir()}
    converter: dict[str, Any] = {}
    if {"cfg.json", "sae_weights.safetensors"} <= names:
        pass  # sae-lens's own format
    elif "params.npz" in names:
        converter["converter"] = _read_gemma_scope
    elif pickles := sorted(name for name in names if name.endswith(_PICKLES)):
        if not spec.allow_pickle:
            raise UserError(
                f"the SAE weights {folder / pickles[0]} are a pickle, which can run code when it is opened",
                "Pass --allow-pickle if you trust its authors, or save it as safetensors",
            )
        if "cfg.json" not in names:
            raise UserError(f"{folder} has no cfg.json", "Save the SAE with sae-lens, which writes one")
        converter["converter"] = _read_pickle
    else:
        raise UserError(f"{folder} holds no SAE", "Give a folder that holds cfg.json and sae_weights.safetensors")
    try:
        sae = SAE.load_from_disk(folder, device=device, dtype="float32", **converter)
    except _DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"the SAE in {folder} cannot be loaded ({reason})", "Save it again with sae-lens") from error
    neuronpedia = getattr(sae.cfg.metadata, "neuronpedia_id", None)
    return SparseAutoencoder(sae, _hook_name(spec, sae), path=str(folder), neuronpedia_id=neuronpedia)


_Converted = tuple[dict[str, Any], dict[str, Tensor]]


def _read_gemma_scope(path: Path, device: str = "cpu", cfg_overrides: dict[str, Any] | None = None) -> _Converted:
    """Gemma Scope's own format: arrays w_enc, w_dec, b_enc, b_dec, threshold of a JumpReLU SAE."""
    with np.load(Path(path) / "params.npz", allow_pickle=False) as arrays:
        weights = {
            name.replace("w_", "W_"): torch.tensor(arrays[name], dtype=torch.float32, device=device)
            for name in ("w_enc", "w_dec", "b_enc", "b_dec", "threshold")
        }
    d_in, d_sae = weights["W_enc"].shape
    config = {
        "architecture": "jumprelu",
        "d_in": d_in,
        "d_sae": d_sae,
        "apply_b_dec_to_input": False,
        "device": device,
        "dtype": "float32",
        "metadata": {},
    }
    return {**config, **(cfg_overrides or {})}, weights


def _read_pickle(path: Path, device: str = "cpu", cfg_overrides: dict[str, Any] | None = None) -> _Converted:
    """A state dict in sae-lens's names that was saved with torch.save, beside its cfg.json."""
    from sae_lens.loading.pretrained_sae_loaders import get_sae_lens_config_from_disk

    file = next(file for file in sorted(Path(path).iterdir()) if file.suffix in _PICKLES)
    weights = torch.load(file, map_location=device, weights_only=True)
    return get_sae_lens_config_from_disk(path, device, cfg_overrides), weights


def _hook_name(spec: SAESpec, sae: Any) -> str:
    """Where to read: as the user says, else as the SAE says."""
    if spec.hook is not None:
        return spec.hook
    if spec.layer is not None:
        return f"blocks.{spec.layer}.hook_resid_post"
    named = getattr(sae.cfg.metadata, "hook_name", None)
    if not named:
        raise UserError("the SAE does not say where it reads", "Pass --layer L or --hook blocks.L.hook_resid_post")
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
