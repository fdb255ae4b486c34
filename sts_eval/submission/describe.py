"""A run on disk as a submission, with its evidence."""

import math
import re
import stat
from pathlib import Path

from safetensors import safe_open

from sts_eval.analysis.names import model_name, set_name
from sts_eval.analysis.runs import outcome_of
from sts_eval.errors import UserError
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import now
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.submission import ModelDescription, Provenance, SAEDescription, SetDescription, Submission
from sts_eval.records.transfer import Transfer
from sts_eval.submission.read_json import MOST_BYTES
from sts_eval.transfer.option_measures import OPTIONS_TASK

# The size in a name such as Llama-3.1-8B-Instruct.
_NOMINAL = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([BM])(?![A-Za-z0-9])", re.IGNORECASE)
_UNITS = {"b": 10**9, "m": 10**6}


def submission_of(
    folder: Path,
    *,
    submitter: str,
    owner: str | None = None,
    model_called: str | None = None,
    set_called: str | None = None,
) -> Submission:
    """Describe a folder of `sts-eval run` and attach its records. `owner` is that of `sts_eval.submission.owner`.

    `model_called` and `set_called` are names in the place of those of a folder or file: its own and an addition.

    A model or set that was read from a disk is described by a short name and never by its place.

    Raises:
        UserError: The folder is no finished run.
    """
    outcome = outcome_of(folder, model=model_called, training_set=set_called)
    files = RunFolder.of(folder)
    prediction = files.record_named(Prediction, outcome.prediction_sha256)
    transfer = files.record_named(Transfer, outcome.transfer_sha256)
    model, data, origin = prediction.model, prediction.training_set, transfer.origin
    family = re.match(r"[A-Za-z]+?(?=\d|For|LMHead|$)", model.architecture)  # Gemma of Gemma2ForCausalLM
    return Submission(
        schema_version=2,
        origin=origin.kind,
        submitter=submitter,
        created=now(),
        model=ModelDescription(
            id=model.id if model.commit is not None else outcome.model,
            revision=model.commit,
            family=family.group() if family else None,
            parameters=_parameters(model.id),
        ),
        sae=SAEDescription(**prediction.sae.model_dump(include=set(SAEDescription.model_fields))),
        training_set=SetDescription(
            id=data.source if data.revision is not None else outcome.training_set,
            revision=data.revision,
            rows=data.rows,
        ),
        benchmark=(
            benchmark_name(origin.task, prediction.benchmark.source)
            if origin.kind == "measured"
            else set_name(prediction.benchmark.source)
        ),
        provenance=Provenance(
            versions=prediction.versions | transfer.versions,
            hardware=", ".join(sorted({run.device for run in transfer.tuning.runs})) if transfer.tuning else None,
            command=f"sts-eval run {folder.name}.yaml",
            url=None,
        ),
        outcome=outcome,
        owner=owner,
        prediction=prediction,
        transfer=transfer,
    )


def benchmark_name(task: str, source: str) -> str:
    """What was asked: the lm-eval task, or the source where that task scores the options of any benchmark."""
    return f"{set_name(source)}-options" if task == OPTIONS_TASK else task


def bytes_of(path: Path, *, submitter: str | None = None, **description: str | None) -> bytes:
    """What is handed in: a file as it is, or a run folder as a submission, for which `submitter` answers.

    `description` is what `submission_of` takes beside.

    Raises:
        UserError: The path cannot be read, a folder is no finished run, or nobody answers for it.
    """
    if not path.is_dir():
        return _read(path)
    if submitter is None:
        raise UserError(f"no submitter is named for the run {path}", "Give --submitter NAME")
    try:
        return submission_of(path, submitter=submitter, **description).canonical().encode()
    except ValueError as error:  # pydantic's, for a name that does not fit
        first = " ".join(str(error).split("\n")[1:3]).strip() or str(error)
        raise UserError(f"{path} cannot be described ({first})", "Rename what it names, and run it again") from error


def _read(path: Path) -> bytes:
    """A file, and no more of it than a submission may have: a device or a pipe has no end, or never begins."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"{path} is no ordinary file", "Give a file or a run folder")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", "Give a file or a run folder") from error


def _parameters(identity: str) -> int | None:
    """Counted in a folder's weights; nominal, from the name, on a hub; None where neither tells."""
    folder = Path(identity)
    if folder.is_dir():
        total = 0
        for file in folder.glob("*.safetensors"):
            with safe_open(file, framework="numpy") as tensors:  # which reads the header alone
                names = tensors.keys()
                total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
        return total or None
    found = _NOMINAL.search(model_name(identity))
    return round(float(found[1]) * _UNITS[found[2].lower()]) if found else None
