"""Predictions that were registered: a file per prediction, named by its hash. Only the first counts.

preregistrations/SHA256.json
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

from pydantic import ValidationError

from sts_eval.records.ledger import SHA256, Preregistration
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import now
from sts_eval.store.files import Files

FOLDER = "preregistrations"


def register(files: Files, prediction: Prediction, *, by: str) -> tuple[Preregistration, bool]:
    """Keep a prediction's hash with the time of now, unless it is registered already.

    Args:
        files: The store's.
        prediction: Only its hash is kept.
        by: Who registers it.

    Returns:
        The registration that counts, and whether it is new.

    Raises:
        UserError: The store cannot be written.
    """
    entry = Preregistration(prediction_sha256=prediction.sha256(), registered=now(), by=by)
    if files.create(_file(entry.prediction_sha256), entry.canonical().encode()):
        return entry, True
    return read_registrations(files, [entry.prediction_sha256]).get(entry.prediction_sha256, entry), False


def read_registrations(files: Files, predictions: Iterable[str]) -> dict[str, Preregistration]:
    """The registrations of predictions by hash; those that were not registered are left out."""
    wanted = [sha256 for sha256 in predictions if re.fullmatch(SHA256, sha256)]
    found = {}
    for path, content in files.read_all(map(_file, wanted)).items():
        # A file that somebody put there by hand registers nothing, nor does one under another's name.
        with contextlib.suppress(ValidationError):
            entry = Preregistration.model_validate_json(content)
            if path == _file(entry.prediction_sha256):
                found[entry.prediction_sha256] = entry
    return found


def _file(prediction_sha256: str) -> str:
    return f"{FOLDER}/{prediction_sha256}.json"
