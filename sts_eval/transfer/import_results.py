"""Results of a tuning and evaluation that happened elsewhere, as a transfer record.

A format is one reader, which returns what its files say of one model as a `Side`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.records.answers import UNPARSED
from sts_eval.records.transfer import Imported, Transfer
from sts_eval.transfer.answer_table import name_of, read_answer_table
from sts_eval.transfer.archives import unpacked
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.instance_files import read_both_states, read_instances
from sts_eval.transfer.lm_eval_files import read_lm_eval
from sts_eval.transfer.mmlu_pro_files import read_script_files
from sts_eval.transfer.pairing import Side, pair
from sts_eval.transfer.recognise import better_refusal

FORMATS = ("lm-eval", "mmlu-pro", "table", "every-eval-ever")

MOST_UNPARSED = 0.5
"""Share of unparsed answers from which a warning says so."""


def import_transfer(
    form: str,
    paths: Sequence[Path],
    *,
    filter_name: str | None = None,
    metric: str | None = None,
    by_task: bool = False,
    model_before: str | None = None,
    model_after: str | None = None,
) -> Transfer:
    """Read results that were made elsewhere, in one of `FORMATS`: the untuned side, then each tuned one.

    A table, and the folder of an export for Every Eval Ever, hold both sides. Zip archives are read as what they hold.
    Whether the prediction of these results came first cannot be checked.

    Args:
        form: The format.
        paths: Files or folders, before first.
        filter_name: lm-eval: the filter whose reading is taken where a task has several.
        metric: lm-eval: the metric that says which answers are right, where it is none of the usual ones.
        by_task: lm-eval: whether each task is a domain, also where its documents name a category.
        model_before: Name of the untuned model; by default as the files or the first folders that differ name it.
        model_after: Name of the tuned model, likewise.

    Raises:
        UserError: The format is unknown, or the files do not hold such results or cannot be joined.
    """
    if form not in FORMATS:
        raise UserError(f"no format is called {form!r}", f"Choose among {', '.join(FORMATS)}")
    if form == "table" and len(paths) != 1:
        raise UserError(f"format table takes one file, not {len(paths)}", "Give the one table that holds both sides")
    if len(paths) == 1 and form != "table" and not (form == "every-eval-ever" and paths[0].is_dir()):
        raise UserError(f"format {form} needs a result before and one after", "Give both paths, before first")

    def lm_eval(path: Path) -> list[Side]:
        return [read_lm_eval(path, filter_name=filter_name, metric=metric, by_task=by_task)]

    readers: dict[str, Callable[[Path], list[Side]]] = {
        "lm-eval": lm_eval,
        "mmlu-pro": lambda path: [read_script_files(path)],
        "table": read_answer_table,
        "every-eval-ever": read_instances if len(paths) > 1 else read_both_states,
    }
    found = [_read(path, form, readers[form]) for path in paths]
    before, *after = [side for sides, _ in found for side in sides]
    if len(found) > 1 and len(found[0][0]) > 1:
        raise UserError(f"{paths[0]} holds several tuned models", "Give the untuned model's results first")
    _check_scoring(before, after)
    names = _names(paths, [before, *after])
    before, *after = _in_one_unit(_with_one_spelling([before, *after]))
    seeds = [side.seed for side in after if side.seed is not None]
    known = len(set(seeds)) == len(after)
    return assemble(
        pair(before.answers, [side.answers for side in after]),
        origin=Imported(
            format=form,
            sources=tuple(path.name for path in paths),
            sources_sha256=tuple(digest for _, digests in found for digest in digests),
        ),
        model_before=model_before or names[0],
        model_after=model_after or ", ".join(dict.fromkeys(names[1:])),
        seeds=seeds if known else range(len(after)),
        length_unit=before.length_unit,
        warnings=_warnings([before, *after]),
    )


def _read(path: Path, form: str, reader: Callable[[Path], list[Side]]) -> tuple[list[Side], list[str]]:
    """The sides that a path holds, and the hashes of its files. Messages name the path and not what it unpacks to."""
    if not path.exists():
        raise UserError(f"there is no file or folder {path}", "Check the path")
    with unpacked(path) as inner:
        try:
            sides = reader(inner)
        except UserError as error:
            told = better_refusal(inner, form) or error
            problem, remedy = (part.replace(str(inner), str(path)) for part in (told.problem, told.remedy))
            raise UserError(problem, remedy) from error
        for side in sides:
            _check_text(path, side)
        sides = [
            replace(side, warnings=tuple(line.replace(str(inner), path.name) for line in side.warnings))
            for side in sides
        ]
        files = [file for side in sides for file in side.files] if inner == path else [path]
        return sides, [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def _check_text(path: Path, side: Side) -> None:
    """Refuse names that no record can hold."""
    for name in (side.model, *(part for answer in side.answers for part in answer[:2])):
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{path} has half of a surrogate pair in the name {name!r}", "Mend that name") from error


def _check_scoring(before: Side, after: Sequence[Side]) -> None:
    """Refuse sides of which one is scored by another metric or filter."""
    for side in after:
        for task in before.scoring.keys() & side.scoring.keys():
            was, became = before.scoring[task], side.scoring[task]
            filters = {was.filter, became.filter} - {None}
            if was.metric != became.metric or len(filters) > 1:
                raise UserError(
                    f"task {task} says which answers are right by {was} before and by {became} after",
                    "Choose what both have with --metric or --filter, or evaluate both models with the same task",
                )


def _names(paths: Sequence[Path], sides: Sequence[Side]) -> list[str]:
    """Names of the models. Where before and after have the same, the first folders that differ, from the right."""
    names = [side.model for side in sides]
    if names[0] not in names[1:] or len(paths) != len(sides):
        return names
    last = [name_of(path) for path in paths]
    for parts in [last, *zip(*(reversed(path.absolute().parts[:-1]) for path in paths), strict=False)]:
        if parts[0] not in parts[1:]:
            return list(parts)
    return names


def _with_one_spelling(sides: Sequence[Side]) -> list[Side]:
    """Domains whose names differ only in case or spaces as one, and a warning. The commonest name before is taken."""
    ranked = [name for side in sides for name, _ in Counter(answer.domain for answer in side.answers).most_common()]
    spellings: dict[str, list[str]] = {}
    for name in dict.fromkeys(ranked):
        spellings.setdefault(" ".join(name.split()).casefold(), []).append(name)
    several = [names for names in spellings.values() if len(names) > 1]
    if not several:
        return list(sides)
    one = {name: names[0] for names in several for name in names}
    told = tuple(
        f"domain {names[0]!r} is also written {', '.join(map(repr, names[1:]))}; they are one" for names in several
    )
    return [
        replace(
            side,
            answers=[answer._replace(domain=one.get(answer.domain, answer.domain)) for answer in side.answers],
            warnings=(*side.warnings, *told),
        )
        for side in sides
    ]


def _in_one_unit(sides: Sequence[Side]) -> list[Side]:
    """Without lengths where one side counts tokens and another characters."""
    if len({side.length_unit for side in sides}) == 1:
        return list(sides)
    told = "lengths of answers are in tokens on one side and in characters on the other; they were left out"
    bare = [replace(side, answers=[answer._replace(length=None) for answer in side.answers]) for side in sides]
    return [replace(bare[0], warnings=(*bare[0].warnings, told)), *bare[1:]]


def _warnings(sides: Sequence[Side]) -> list[str]:
    """The warnings of all sides; what is not said of every side with the side that it is said of."""
    lines: dict[str, list[str]] = {}
    for place, side in enumerate(sides):
        n = sum(answer.verdict == UNPARSED for answer in side.answers)
        many = [f"{n} of {len(side.answers)} answers could not be parsed and count as wrong"]
        for line in (*side.warnings, *many * (n > MOST_UNPARSED * len(side.answers))):
            lines.setdefault(line, []).append("after" if place else "before")
    return [
        line if len(where) == len(sides) else f"{' and '.join(dict.fromkeys(where))}: {line}"
        for line, where in lines.items()
    ]
