"""Fingerprints of models, for results that must not outlive what they were made from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sts_eval.data.tables import fingerprint
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec

WEIGHT_FILES = ("*.safetensors", "*.json")

NOT_IN_WEIGHTS = {"seeds", "allow_overlap", "report_to", "per_device_batch", "gradient_checkpointing"}
"""Settings of a tuning that change nothing about the weights of a seed."""


def model_fingerprint(model: ModelSpec) -> str:
    """Hash of a model's description and, where it is a folder, of its files.

    Where it runs is no part of it. Files are told apart by name, size and time of change: reading all weights
    of a large model would take longer than what is being cached.
    """
    folder = Path(model.id).expanduser()
    files = sorted(path for pattern in WEIGHT_FILES for path in folder.glob(pattern)) if folder.is_dir() else []
    stamps = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return fingerprint([model.model_dump(mode="json", exclude={"device"}), stamps])


def weights_sha256(weights: Path) -> str:
    """Fingerprint of saved weights.

    Raises:
        UserError: The folder holds none.
    """
    files = sorted(weights.glob("*.safetensors"))
    if not files:
        raise UserError(f"{weights} holds no safetensors weights", "Give the folder of an adapter or model")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()
