"""An SAE in sae-lens's terms, which every reader of a format returns, and what the readers share."""

from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from sts_eval.errors import UserError

Values = dict[str, Any]
Weights = dict[str, Tensor]
NOT_FOLDED = "expected_average_only_in"  # sae-lens: inputs are to be scaled to a mean norm of √d_in


class Converted(NamedTuple):
    """An SAE in sae-lens's terms."""

    config: Values
    weights: Weights
    scale: float | None = None  # by which inputs are to be multiplied, which is to be folded into the weights
    warnings: tuple[str, ...] = ()


def refuse_transcoder(file: Path | str) -> NoReturn:
    """Say that it maps one place of the model to another.

    Raises:
        UserError: Always.
    """
    raise UserError(
        f"{file} is a transcoder: it reads one place of the model and writes another",
        "Choose an autoencoder, which reconstructs what it reads",
    )


def sae_config(
    architecture: str,
    weights: Weights,
    hook: str | None,
    model: str | None,
    *,
    centred: bool = False,
    k: int | None = None,
) -> Values:
    """sae-lens's config. `centred`: the decoder's bias is subtracted before encoding."""
    from sae_lens import __version__

    d_in, d_sae = weights["W_enc"].shape
    return {
        "architecture": architecture,
        "d_in": d_in,
        "d_sae": d_sae,
        "apply_b_dec_to_input": centred,
        "normalize_activations": "none",
        **({"k": k, "rescale_acts_by_decoder_norm": False} if k is not None else {}),
        "metadata": {"hook_name": hook, "model_name": model, "sae_lens_version": __version__},
    }


def read_arrays(file: Path, device: str) -> Weights:
    """All tensors of a file, as float32 where they are floats. A pickle is read as data; nothing in it is run."""
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as arrays:
            raw = {name: torch.tensor(arrays[name], device=device) for name in arrays.files}
    elif file.suffix == ".safetensors":
        raw = load_file(file, device=device)
    else:
        raw = torch.load(file, map_location=device, weights_only=True)
    return {
        name: value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
        for name, value in raw.items()
    }


def not_supported(file: Path, what: str, value: object) -> UserError:
    """The refusal of an SAE for a property that cannot be computed here."""
    return UserError(
        f"the SAE {file} has the {what} {value!r}, which is not supported",
        "Choose another SAE, or convert it to sae-lens's format",
    )
