"""Predictions that were registered: a file per prediction, named by its hash. Only the first counts.

preregistrations/SHA256.json
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

from pydantic import ValidationError

from sts_eval.records.ledger import SHA256, Preregistration
from sts_eval.store.files import Files

FOLDER = "preregistrations"


def read_registrations(files: Files, predictions: Iterable[str]) -> dict[str, Preregistration]:
    """The registrations of predictions by hash; those that were not registered are left out."""
    wanted = [sha256 for sha256 in predictions if re.fullmatch(SHA256, sha256)]
    found = {}
    for path, content in files.read_all(map(registration_file, wanted)).items():
        # A file that somebody put there by hand registers nothing, nor does one under another's name.
        with contextlib.suppress(ValidationError):
            entry = Preregistration.model_validate_json(content)
            if path == registration_file(entry.prediction_sha256):
                found[entry.prediction_sha256] = entry
    return found


def registration_file(prediction_sha256: str) -> str:
    """The file of a prediction's registration."""
    return f"{FOLDER}/{prediction_sha256}.json"
