"""Files of MMLU-Pro's own scripts (TIGER-AI-Lab/MMLU-Pro): the benchmark's rows with `pred` and the generated text.

`evaluate_from_local.py` writes MODEL/CoT/all/CATEGORY.json; `evaluate_from_api.py` CATEGORY_result.json, and
CATEGORY_summary.json with accuracies, which are left out. The published outputs are one file a model.

`pred` is the letter that the script read. A missing one is a parse failure and wrong. (The script's own accuracy
guesses a letter there.)
"""

from pathlib import Path

from sts_eval.data.files import bare_name, ending, read_file
from sts_eval.errors import UserError
from sts_eval.transfer.answer_table import answers_in, name_of, scorable
from sts_eval.transfer.archives import files_below
from sts_eval.transfer.pairing import Side

TEXT_FIELDS = ("generated_text", "model_outputs")  # names that versions of the script give to the generated text


def read_script_files(path: Path) -> Side:
    """Read a file of the script, or the folder of one model.

    Raises:
        UserError: There are no such files, or those of several models.
    """
    files = _files(path) if path.is_dir() else [path]
    answers, warnings = [], []
    for file in files:
        found = scorable(read_file(file), file, ("pred",), "Give a file that MMLU-Pro's evaluation script wrote")
        read, warned = answers_in(found.rows, "pred")
        warnings += [*found.warnings, *(f"{file.name}: {line}" for line in warned)]
        for row, answer in zip(found.rows, read, strict=True):
            text = next((row[name] for name in TEXT_FIELDS if isinstance(row.get(name), str)), None)
            length = None if text is None else len(text)
            answers.append(answer._replace(length=length, response=f"{answer.response}\n{text}"))
    return Side(name_of(path).removeprefix("model_outputs_"), answers, files, tuple(warnings))


def _files(folder: Path) -> list[Path]:
    """The files of answers in a folder or in the only folder below it that has such."""
    found = [
        file
        for file in files_below(folder)
        if ending(file) in (".json", ".jsonl") and not bare_name(file).stem.endswith("summary")
    ]
    if not found:
        raise UserError(f"{folder} holds no .json file", "Give the script's output file or the folder of them")
    folders = sorted({file.parent for file in found})
    if len(folders) > 1:
        listed = ", ".join(str(one.relative_to(folder)) for one in folders)
        raise UserError(f"{folder} holds results in several folders ({listed})", "Give one of them")
    return found
