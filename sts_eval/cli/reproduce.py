"""`sts-eval reproduce`: the paper's tables and figures beside what was measured."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sts_eval.cli.options import PATH, output
from sts_eval.errors import UserError

if TYPE_CHECKING:
    from sts_eval.records.paper_answer import PaperAnswer
    from sts_eval.reproduction.entry import Entry
    from sts_eval.reproduction.plans import Plan
    from sts_eval.reproduction.scales import Scale

SCALES = ("lab", "real", "paper")
LIST, EVERY = "list", "all"

SCALE_OPTION = click.option(
    "--scale",
    type=click.Choice(SCALES),
    help="Write the files that make the records, and run them: on the embedded lab (minutes), on a model of yours "
    "(hours), or at the paper's own settings, which are only written.",
)


@click.command("reproduce")
@click.argument("name", metavar="[list|all|ID]", default=LIST)
@click.argument("records", metavar="[RECORDS]...", nargs=-1, type=PATH)
@SCALE_OPTION
@click.option("--folder", type=PATH, help="With --scale: where to write.  [default: reproduction/SCALE]")
@click.option("--dry-run", is_flag=True, help="With --scale: write the files and print the commands.")
@click.option("--model", help="With --scale real: the untuned model, hub id or folder.")
@click.option(
    "--sae", "saes", multiple=True, help="With --scale real: folder of an SAE, or RELEASE:ID. May be repeated."
)
@click.option("--sft", "sets", multiple=True, help="With --scale real: training set. May be repeated.")
@click.option("--domains", default="mmlu_pro", show_default=True, help="With --scale real: benchmark.")
@click.option("--pool", help="With --scale real: rows that a mixture may add.")
@output("Write the answers as JSON to this folder; they can be given as RECORDS.")
@click.option("--markdown", type=PATH, help="Write the answers as a document.")
def reproduce(
    name: str,
    records: tuple[Path, ...],
    scale: str | None,
    folder: Path | None,
    dry_run: bool,
    model: str | None,
    saes: tuple[str, ...],
    sets: tuple[str, ...],
    domains: str,
    pool: str | None,
    output: Path | None,
    markdown: Path | None,
) -> None:
    """Compare what a table or figure of the paper claims with what RECORDS show.

    RECORDS are folders of `sts-eval run`, `ablate` and `mix --verify`, .jsonl files of outcomes, and single records.
    A verdict follows from a rule on an interval: confirmed, not confirmed, or cannot tell.

    \b
    All tables and figures:          sts-eval reproduce list
    One, from finished runs:         sts-eval reproduce table-6 runs/*
    One, from the embedded lab:      sts-eval reproduce figure-1b --scale lab
    The paper's own experiment:      sts-eval reproduce table-6 --scale paper
    """  # noqa: D301 -- click wants the control character itself before lines that it must not join
    from sts_eval.records.output import check_output
    from sts_eval.records.paper_answer import PaperAnswer
    from sts_eval.reproduction.answer import answer
    from sts_eval.reproduction.entries import ENTRIES, entry_named
    from sts_eval.reproduction.evidence import read_evidence
    from sts_eval.reproduction.scales import lab_scale, paper_scale, real_scale

    entries = ENTRIES if name in (LIST, EVERY) else (entry_named(name),)
    if scale is not None:
        if name in (LIST, EVERY):
            raise UserError(f"--scale makes the records of one table or figure, not of {name!r}", "Name one")
        if scale == "real":
            chosen = real_scale(model, saes, sets, domains, pool)
        else:
            chosen = lab_scale() if scale == "lab" else paper_scale()
        folder = folder or Path("reproduction") / scale
        records = (*records, *_made(entries[0], chosen, folder, only_write=dry_run or scale == "paper"))
        if dry_run or scale == "paper":
            return
    if markdown is not None:
        check_output(markdown, records, option="--markdown")
    if output is not None:
        for entry in entries:
            check_output(output / f"{entry.id}.json", records, kind=PaperAnswer)
    evidence = read_evidence(records)
    answers = tuple(answer(entry, evidence) for entry in entries)
    if records and not any(one.answered for one in answers):
        raise UserError(
            f"none of the records says anything of {name}",
            f"Give {answers[0].needs}" if len(answers) == 1 else "Give runs",
        )
    _show(name, answers)
    if output is not None:
        paths = {output / f"{one.id}.json": one for one in answers if one.answered}
        for path, one in paths.items():
            one.write(path)
        click.echo(f"Written: {', '.join(map(str, paths))}")
    if markdown is not None:
        _write_document(markdown, name, answers, records)


def _made(entry: "Entry", scale: "Scale", folder: Path, *, only_write: bool) -> list[Path]:
    """Write the files of a plan that are not there yet, run its commands unless told not to, and find the records."""
    from sts_eval.cli import cli
    from sts_eval.records.record import write_atomically
    from sts_eval.reproduction.plans import plan

    planned = plan(entry, scale, folder)
    for file, text in planned.files.items():
        if file.exists():
            click.echo(f"Used as it is: {file}")
        else:
            write_atomically(file, text)
            click.echo(f"Written: {file}")
    for note in planned.notes:
        click.echo(f"Note: {note}")
    if only_write:
        _print_commands(entry, planned)
        return []
    for step in planned.steps:
        if step.once is not None and step.once.exists():
            continue
        click.echo(f"Running: {_typed(step.words)}")
        cli.main(args=[word for one in step.words for word in _expanded(one)], standalone_mode=False)
    return [Path(path) for one in planned.records for path in _expanded(str(one))]


def _print_commands(entry: "Entry", planned: "Plan") -> None:
    click.echo("To run:")
    for step in planned.steps:
        click.echo(f"  {_typed(step.words)}")
    click.echo(f"  {_typed(('reproduce', entry.id, *map(str, planned.records)))}")


def _typed(words: Sequence[str]) -> str:
    """A command as one types it; the shell expands a *."""
    return " ".join(["sts-eval", *(word if "*" in word else shlex.quote(word) for word in words)])


def _expanded(word: str) -> list[str]:
    """The paths that a word with * stands for, or the word."""
    if "*" not in word:
        return [word]
    path = Path(word)
    return sorted(str(found) for found in path.parent.glob(path.name))


def _show(name: str, answers: Sequence["PaperAnswer"]) -> None:
    from sts_eval.reporting.paper_answers import print_answer, print_list

    if name == LIST:
        print_list(answers)
        return
    for one in answers:
        print_answer(one)


def _write_document(path: Path, name: str, answers: Sequence["PaperAnswer"], records: Sequence[Path]) -> None:
    from sts_eval.records.record import write_atomically
    from sts_eval.reporting.paper_answers import markdown

    words = ("reproduce", name, *map(str, records), "--markdown", str(path))
    write_atomically(path, markdown(answers, _typed(words)))
    click.echo(f"Written: {path}")
