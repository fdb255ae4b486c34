"""Results of a tuning and evaluation that happened elsewhere, as a transfer record.

Three formats: `lm-eval` (folders with samples), `mmlu-pro` (files of the benchmark's official script) and
`table` (question_id, category, answer, pred_before, pred_after). All end in the same joined answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from sts_eval.data.tables import Row, read_table
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG
from sts_eval.records.transfer import Imported, Transfer
from sts_eval.records.tuning import PredictionReference
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.lm_eval_files import read_lm_eval
from sts_eval.transfer.mmlu_pro_files import Side, read_official
from sts_eval.transfer.pairing import Answer, pair

TABLE_COLUMNS = ("question_id", "category", "answer", "pred_before", "pred_after")

FORMATS = ("lm-eval", "mmlu-pro", "table")


def import_transfer(
    form: str,
    paths: Sequence[Path],
    *,
    prediction: PredictionReference | None = None,
    filter_name: str | None = None,
) -> Transfer:
    """Read results that were made elsewhere.

    Args:
        form: One of `FORMATS`.
        paths: The untuned side and then each tuned one; for a table, its one file.
        prediction: The prediction that was to foretell them. Whether it came first cannot be checked.
        filter_name: For lm-eval, which filter's reading to take where a task has several.

    Raises:
        UserError: The format is unknown, or the files do not hold such results or cannot be joined.
    """
    if form == "table":
        return import_table(_only(paths), prediction=prediction)
    readers: dict[str, Callable[[Path], Side]] = {
        "lm-eval": lambda path: read_lm_eval(path, filter_name=filter_name),
        "mmlu-pro": read_official,
    }
    if form not in readers:
        raise UserError(f"no format is called {form!r}", f"Choose among {', '.join(FORMATS)}")
    if len(paths) <= 1:
        raise UserError(f"format {form} needs a result before and one after", "Give both paths, before first")
    before, *after = [readers[form](path) for path in paths]
    return assemble(
        pair(before.answers, [side.answers for side in after]),
        origin=_origin(form, paths, [file for side in (before, *after) for file in side.files]),
        model_before=before.model,
        model_after=", ".join(dict.fromkeys(side.model for side in after)),
        seeds=range(len(after)),
        length_unit="characters",
        prediction=prediction,
        warnings=[line for side in (before, *after) for line in side.warnings],
    )


def import_table(path: Path, *, prediction: PredictionReference | None = None) -> Transfer:
    """Read a table of answers before and after. A missing prediction is a parse failure.

    Raises:
        UserError: The file cannot be read, lacks a column, or has a question twice.
    """
    rows = read_table(str(path), split="train").rows
    missing = [name for name in TABLE_COLUMNS if name not in rows[0]]
    if missing:
        raise UserError(
            f"{path} has no column {missing[0]!r}; its columns are {', '.join(rows[0])}",
            f"Give a table with {', '.join(TABLE_COLUMNS)}",
        )
    before, after = (
        [_from_row(row, number, column, path) for number, row in enumerate(rows, start=1)]
        for column in ("pred_before", "pred_after")
    )
    name, _, tuned = path.stem.partition("__")
    return assemble(
        pair(before, [after]),
        origin=_origin("table", [path], [path]),
        model_before=name,
        model_after=tuned or path.stem,
        seeds=(0,),
        length_unit="characters",
        prediction=prediction,
    )


def _from_row(row: Row, number: int, column: str, path: Path) -> Answer:
    identity, domain, target, given = (row[name] for name in ("question_id", "category", "answer", column))
    if identity is None or not domain or not target:
        raise UserError(f"{path} row {number} lacks its question_id, category or answer", "Mend or remove that row")
    parsed = isinstance(given, str) and given.strip() != ""
    verdict = (RIGHT if given == target else WRONG) if parsed else UNPARSED
    return Answer(str(domain), str(identity), str(target), verdict)


def _only(paths: Sequence[Path]) -> Path:
    if len(paths) != 1:
        raise UserError(f"format table takes one file, not {len(paths)}", "Give the one table that holds both sides")
    return paths[0]


def _origin(form: str, paths: Sequence[Path], files: Sequence[Path]) -> Imported:
    return Imported(
        format=form,
        sources=tuple(path.name for path in paths),
        sources_sha256=tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files),
    )
