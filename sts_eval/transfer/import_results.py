"""Results of a tuning and evaluation that happened elsewhere, as a transfer record.

lm-eval     folders that `lm_eval --output_path … --log_samples` wrote
mmlu-pro    files of the benchmark's own script (TIGER-AI-Lab/MMLU-Pro, `evaluate_from_local.py`): lists of the
            benchmark's rows with `pred`, the letter that the script read, and the generated text
table       one file of question_id, category, answer, pred_before, pred_after

A missing prediction is a parse failure and wrong. (The script's own accuracy guesses a letter there.)
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sts_eval.data.tables import Row, read_table
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG
from sts_eval.records.transfer import Imported, Transfer
from sts_eval.records.tuning import PredictionReference
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.lm_eval_samples import read_lm_eval
from sts_eval.transfer.pairing import Answer, Side, pair

FORMATS = ("lm-eval", "mmlu-pro", "table")
TABLE_COLUMNS = ("question_id", "category", "answer", "pred_before", "pred_after")
SCRIPT_FIELDS = ("question_id", "category", "answer", "pred")
SCRIPT_TEXT = ("generated_text", "model_outputs")  # names that versions of the script give to the generated text


def import_transfer(
    form: str, paths: Sequence[Path], *, prediction: PredictionReference | None = None, filter_name: str | None = None
) -> Transfer:
    """Read results that were made elsewhere, in one of `FORMATS`: the untuned side, then each tuned one.

    A table holds both sides in its one file. Whether the prediction of these results came first cannot be checked.
    For lm-eval, `filter_name` is the filter whose reading is taken where a task has several.

    Raises:
        UserError: The format is unknown, or the files do not hold such results or cannot be joined.
    """
    if form not in FORMATS:
        raise UserError(f"no format is called {form!r}", f"Choose among {', '.join(FORMATS)}")
    if form == "table":
        if len(paths) != 1:
            raise UserError(
                f"format table takes one file, not {len(paths)}", "Give the one table that holds both sides"
            )
        sides = _read_both_sides(paths[0])
    elif len(paths) == 1:
        raise UserError(f"format {form} needs a result before and one after", "Give both paths, before first")
    elif form == "lm-eval":
        sides = [read_lm_eval(path, filter_name=filter_name) for path in paths]
    else:
        sides = [_read_script_files(path) for path in paths]
    before, *after = sides
    files = [file for side in sides for file in side.files]
    return assemble(
        pair(before.answers, [side.answers for side in after]),
        origin=Imported(
            format=form,
            sources=tuple(path.name for path in paths),
            sources_sha256=tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files),
        ),
        model_before=before.model,
        model_after=", ".join(dict.fromkeys(side.model for side in after)),
        seeds=range(len(after)),
        length_unit="characters",
        prediction=prediction,
        warnings=[line for side in sides for line in side.warnings],
    )


def _read_both_sides(path: Path) -> list[Side]:
    """Read a table of answers before and after. `BEFORE__AFTER` as its name names the models."""
    rows = read_table(str(path), split="train").rows
    missing = [name for name in TABLE_COLUMNS if name not in rows[0]]
    if missing:
        raise UserError(
            f"{path} has no column {missing[0]!r}; its columns are {', '.join(rows[0])}",
            f"Give a table with {', '.join(TABLE_COLUMNS)}",
        )
    name, _, tuned = path.stem.partition("__")
    before, after = (
        [_answer(row, number, path, column) for number, row in enumerate(rows, start=1)]
        for column in ("pred_before", "pred_after")
    )
    return [Side(name, before, [path]), Side(tuned or path.stem, after, [])]


def _read_script_files(path: Path) -> Side:
    """Read a file of the MMLU-Pro script, or a folder of one file per category."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path} holds no .json file", "Give the script's output file or the folder of them")
    answers = []
    for file in files:
        for number, row in enumerate(read_table(str(file), split="test").rows, start=1):
            missing = [name for name in SCRIPT_FIELDS if name not in row]
            if missing:
                remedy = "Give a file that MMLU-Pro's evaluation script wrote"
                raise UserError(f"{file} row {number} has no field {missing[0]!r}", remedy)
            text = next((row[name] for name in SCRIPT_TEXT if isinstance(row.get(name), str)), None)
            answer = _answer(row, number, file, "pred")
            answers.append(answer._replace(length=None if text is None else len(text)))
    return Side(path.stem.removeprefix("model_outputs_"), answers, files)


def _answer(row: Row, number: int, file: Path, column: str) -> Answer:
    identity, domain, target, given = (row[name] for name in ("question_id", "category", "answer", column))
    if identity is None or not domain or not target:
        raise UserError(f"{file} row {number} lacks its question_id, category or answer", "Mend or remove that row")
    verdict = RIGHT if given == target else WRONG
    if not isinstance(given, str) or not given.strip():
        verdict = UNPARSED
    return Answer(str(domain), str(identity), str(target), verdict)
