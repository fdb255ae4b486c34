"""Fingerprints of models and of the files behind a description, for results that must not outlive them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sts_eval.data.reward import code_file
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, Run, TuneSettings
from sts_eval.records.record import fingerprint

WEIGHT_FILES = ("*.safetensors", "*.json")

# Settings of a tuning that change nothing about the weights of a seed.
NOT_IN_WEIGHTS = {"seeds", "allow_overlap", "report_to", "per_device_batch", "gradient_checkpointing"}


def file_stamps(place: str | None, patterns: Sequence[str] = ("**/*",)) -> list[list[str | int]]:
    """Name, size in bytes and time of change in nanoseconds of a file or a folder's files; none for what is on a hub.

    A folder's files are by default those in its folders too.

    Reading all weights of a large model would take longer than what its fingerprint saves.
    """
    path = Path(place).expanduser() if place else None
    if path is not None and path.is_dir():
        files = sorted(file for pattern in patterns for file in path.glob(pattern) if file.is_file())
        names = [file.relative_to(path).as_posix() for file in files]
    else:
        files = [path] if path is not None and path.is_file() else []
        names = [file.name for file in files]
    stats = [file.stat() for file in files]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in zip(names, stats, strict=True)]


def model_fingerprint(model: ModelSpec) -> str:
    """Hash of a model's description and, where it is a folder, of its files. Where it runs is no part of it."""
    return fingerprint([model.model_dump(mode="json", exclude={"device"}), file_stamps(model.id, WEIGHT_FILES)])


def training_key(model: ModelSpec, data: Sequence[object], settings: TuneSettings, seed: int) -> str:
    """Hash of all that a tuned seed depends on; of the data, the fingerprint or the description with file stamps."""
    kept = settings.model_dump(mode="json", exclude=NOT_IN_WEIGHTS)
    code = code_stamps(settings.grpo.reward if settings.grpo else None)
    return fingerprint([model_fingerprint(model), *data, kept, seed, *code])


def code_stamps(reward: str | None) -> list[list[str | int]]:
    """Stamps of the file of a reward that is the user's own."""
    return file_stamps(code_file(reward)) if reward is not None else []


def chosen_by(run: Run) -> list[object]:
    """What the features of a selective tuning depend on, beside the training set; nothing where it is of another kind.

    The prediction's settings that never change a result are no part of it.
    """
    if run.tune.method != "features":
        return []
    read = {"shots", "shift_tokens", "estimator", "sink_tokens", "chat_template", "context", "seeds"}
    saes = [run.sae.path, *(run.tune.features.saes if run.tune.features else ())]
    described = run.sae.model_dump(mode="json"), run.settings.model_dump(mode="json", include=read)
    return [*described, *map(file_stamps, saes)]


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
