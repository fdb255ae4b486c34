"""A run on disk as a submission, with its evidence."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path

from sts_eval.analysis.runs import model_name, outcome_of, set_name
from sts_eval.errors import UserError
from sts_eval.records.prediction import ModelIdentity, Prediction
from sts_eval.records.record import now
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.submission import (
    ModelDescription,
    Provenance,
    SAEDescription,
    SetDescription,
    Submission,
)
from sts_eval.records.transfer import Transfer

_NOMINAL = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([BM])(?![A-Za-z0-9])", re.IGNORECASE)
"""The size in a name such as Llama-3.1-8B-Instruct."""

_UNITS = {"b": 10**9, "m": 10**6}


def submission_of(
    folder: Path,
    *,
    submitter: str,
    model: str | None = None,
    training_set: str | None = None,
    home: Sequence[str] = (),
    command: str | None = None,
    url: str | None = None,
) -> Submission:
    """Describe a run and attach its records.

    A model or set that was read from a disk is described by a short name and never by its place.

    Args:
        folder: A folder of `sts-eval run`.
        submitter: Who answers for it.
        model: Short name of the model; from its id if None.
        training_set: Short name of the set; from its source if None.
        home: Domains that the set is about.
        command: What reproduces it; the run of an experiment file of the folder's name if None.
        url: Where it is described.

    Raises:
        UserError: The folder is no finished run.
    """
    outcome = outcome_of(folder, model=model, training_set=training_set, home=home)
    files = RunFolder.of(folder)
    prediction = files.record_named(Prediction, outcome.prediction_sha256)
    transfer = files.record_named(Transfer, outcome.transfer_sha256)
    data, origin = prediction.training_set, transfer.origin
    return Submission(
        schema_version=2,
        origin=origin.kind,
        submitter=submitter,
        created=now(),
        model=_model(prediction.model, outcome.model),
        sae=_sae(prediction),
        training_set=SetDescription(
            id=data.source if data.revision is not None else outcome.training_set,
            revision=data.revision,
            rows=data.rows,
        ),
        benchmark=origin.task if origin.kind == "measured" else set_name(prediction.benchmark.source),
        provenance=Provenance(
            versions=prediction.versions | transfer.versions,
            hardware=", ".join(sorted({run.device for run in transfer.tuning.runs})) if transfer.tuning else None,
            command=command or f"sts-eval run {folder.name}.yaml",
            url=url,
        ),
        outcome=outcome,
        prediction=prediction,
        transfer=transfer,
    )


def bytes_of(path: Path, *, submitter: str | None = None) -> bytes:
    """What is handed in: a file as it is, or a run folder as a submission.

    Args:
        path: A file or a run folder.
        submitter: Who answers for a run folder.

    Raises:
        UserError: The path cannot be read, a folder is no finished run, or nobody answers for it.
    """
    if not path.is_dir():
        try:
            return path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror})", "Give a file or a run folder") from error
    if submitter is None:
        raise UserError(f"nobody answers for the run {path}", "Give --submitter NAME")
    try:
        return submission_of(path, submitter=submitter).canonical().encode()
    except ValueError as error:  # pydantic's, for a name that does not fit
        first = " ".join(str(error).split("\n")[1:3]).strip() or str(error)
        raise UserError(f"{path} cannot be described ({first})", "Rename what it names, and run it again") from error


def _model(model: ModelIdentity, short: str) -> ModelDescription:
    return ModelDescription(
        id=model.id if model.commit is not None else short,
        revision=model.commit,
        family=_family(model.architecture),
        parameters=_parameters(model.id),
    )


def _sae(prediction: Prediction) -> SAEDescription:
    sae = prediction.sae
    return SAEDescription(
        release=sae.release,
        id=sae.id,
        architecture=sae.architecture,
        d_sae=sae.d_sae,
        layer=sae.layer,
        hook_name=sae.hook_name,
        neuronpedia_id=sae.neuronpedia_id,
    )


def _family(architecture: str) -> str | None:
    """`Gemma2ForCausalLM` is of the family Gemma."""
    found = re.match(r"[A-Za-z]+?(?=\d|For|LMHead|$)", architecture)
    return found.group() if found else None


def _parameters(identity: str) -> int | None:
    """Counted in a folder's weights; nominal, from the name, on a hub; None where neither tells."""
    folder = Path(identity)
    if folder.is_dir():
        return sum(map(_counted, folder.glob("*.safetensors"))) or None
    found = _NOMINAL.search(model_name(identity))
    return round(float(found[1]) * _UNITS[found[2].lower()]) if found else None


def _counted(file: Path) -> int:
    """Numbers in a safetensors file, by its header: eight bytes of length, then JSON with the shape of each tensor."""
    with file.open("rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        header = json.loads(handle.read(length))
    count = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            size = 1
            for dimension in tensor["shape"]:
                size *= dimension
            count += size
    return count
