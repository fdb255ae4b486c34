"""Which kind of record a file holds, by what is in it."""

import json
from collections.abc import Sequence
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.records.record import Record


def kind_of(path: Path, kinds: Sequence[type[Record]]) -> type[Record]:
    """The kind of record with most of the file's fields.

    Raises:
        UserError: The file cannot be read, or is none of them.
    """
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", "Check the path") from error
    except (ValueError, RecursionError):
        values = None
    fields = set(values) if isinstance(values, dict) else set()
    best = max(kinds, key=lambda kind: len(fields & set(kind.model_fields)) / len(kind.model_fields))
    required = {name for name, info in best.model_fields.items() if info.is_required()}
    if len(fields & required) * 2 < len(required):
        raise UserError(f"{path} is no record of sts-eval", "Give a .json file that one of its commands wrote")
    return best
