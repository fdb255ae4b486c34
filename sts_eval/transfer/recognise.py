"""What a file or folder holds, so that a refusal can name the format or command that fits."""

from pathlib import Path

import fsspec

from sts_eval.data.files import ending
from sts_eval.errors import UserError
from sts_eval.records.answers import Evaluation
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Record
from sts_eval.records.report import Report
from sts_eval.records.submission import Submission
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import Tuning
from sts_eval.transfer.archives import files_below

_PEEKED = 2**18  # bytes of a file that are looked at
_FILES = 50  # files of a folder that are looked at

_MARKS = (
    ("lm-eval", '"filtered_resps"', '"doc"'),
    ("every-eval-ever", '"sample_id"', '"interaction_type"'),
    ("table", "pred_before", "pred_after"),
    ("mmlu-pro", '"pred"', '"answer"'),
)
"""Formats of import, with names of fields that their files have."""

_RECORDS: tuple[type[Record], ...] = (Transfer, Prediction, Evaluation, Tuning, Report, Submission)


def better_refusal(path: Path, form: str) -> UserError | None:
    """What to say of a path that cannot be read in a format; None if it is nothing that is known."""
    files = [path]
    if path.is_dir():
        files = [file for file in files_below(path) if ending(file)][:_FILES]
    formats = [name for file in files if (name := _format(file)) is not None]
    if form in formats:
        return None
    if formats:
        return UserError(f"{path} is not of format {form} but of {formats[0]}", f"Give --format {formats[0]}")
    for file in files:
        for kind in _RECORDS:
            if _is(kind, file):
                name = kind.__name__.lower()
                remedy = "Give what an evaluation before fine-tuning and one after it have written"
                if kind is Transfer:
                    remedy = f"It needs no import: sts-eval report PREDICTION {file}"
                return UserError(f"{file} is a {name} record of sts-eval", remedy)
    return None


def _format(file: Path) -> str | None:
    try:
        with fsspec.open(str(file), "rb", compression="infer") as opened:
            head = opened.read(_PEEKED).decode(errors="replace").lower()
    except (OSError, ValueError, EOFError):
        return None
    return next((name for name, *fields in _MARKS if all(field in head for field in fields)), None)


def _is(kind: type[Record], file: Path) -> bool:
    if ending(file) != ".json":
        return False
    try:
        kind.read(file)
    except UserError:
        return False
    return True
