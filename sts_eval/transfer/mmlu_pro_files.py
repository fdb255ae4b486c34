"""Files of the official MMLU-Pro script (TIGER-AI-Lab/MMLU-Pro, `evaluate_from_local.py`).

A file is a list of the benchmark's rows with `pred`, the letter that the script read off, and the generated
text. Where it read none, `pred` is null. The script's own accuracy then guesses a letter at random; here such
an answer is a parse failure and wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sts_eval.data.tables import Row, read_table
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG
from sts_eval.transfer.pairing import Answer

COLUMNS = ("question_id", "category", "answer", "pred")

TEXT = ("generated_text", "model_outputs")
"""Names that versions of the script give to the generated text."""


@dataclass(frozen=True)
class Side:
    """One model's results as they were found.

    Attributes:
        model: Its name, as far as the files tell.
        answers: One per question.
        files: What was read.
        warnings: What a reader should know.
    """

    model: str
    answers: list[Answer]
    files: list[Path]
    warnings: tuple[str, ...] = ()


def read_official(path: Path) -> Side:
    """Read a file of the script, or a folder of one file per category.

    Raises:
        UserError: There is none, or it is not such a file.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path} holds no .json file", "Give the script's output file or the folder of them")
    answers = [
        _answer(row, number, file)
        for file in files
        for number, row in enumerate(read_table(str(file), split="test").rows, start=1)
    ]
    name = path.stem.removeprefix("model_outputs_")
    return Side(name, answers, files)


def _answer(row: Row, number: int, file: Path) -> Answer:
    missing = [name for name in COLUMNS if name not in row]
    if missing:
        raise UserError(
            f"{file} row {number} has no field {missing[0]!r}",
            "Give a file that MMLU-Pro's evaluation script wrote",
        )
    given, target = row["pred"], str(row["answer"])
    verdict = UNPARSED if given is None else RIGHT if given == target else WRONG
    text = next((row[name] for name in TEXT if isinstance(row.get(name), str)), None)
    return Answer(
        domain=str(row["category"]),
        question_id=str(row["question_id"]),
        target=target,
        verdict=verdict,
        length=None if text is None else len(text),
    )
