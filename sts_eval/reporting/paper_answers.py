"""What the paper claims beside what was measured: a list, one answer, and a document of all."""

from collections.abc import Sequence

from sts_eval.records.paper_answer import CheckAnswer, Measured, PaperAnswer, Published, Verdict
from sts_eval.reporting.markdown import inline, pipe_table
from sts_eval.reporting.terminal import standard_output, text_table

COLOURS: dict[Verdict, str] = {"confirmed": "green", "not confirmed": "red", "cannot tell": "yellow"}

LEVEL = 0.95  # of intervals, unless they say otherwise

LIST_HEADER = ("id", "in the paper", "what it claims", "records", "verdict")
PUBLISHED_HEADER = ("published", "figure")
CHECKS_HEADER = ("statement", "ours", "95% interval", "unit", "verdict")

DOCUMENT_HEAD = """# The paper's tables and figures, and what our records say

This page takes the tables and figures of the paper on STS (arXiv 2603.02908) one by one: what the paper claims, what
our runs show, and a verdict. All our figures are measured; the command below writes the page from the records of the
runs. A verdict is about the runs that are named below each table. It says nothing about other models and data.

|Δ| is the size of a domain's change in accuracy, and r is the correlation of a score with it. [Method](method.md)
explains STS_ICL and STS_act, [predictors](predictors.md) the other scores.

```
{command}
```

**How a verdict is made.** Each statement has a rule about the measured figure and its interval. Here the *claim* is
the least figure that the statement allows.

- *Confirmed*: the figure reaches the claim, and the interval is above the limit that the rule names.
- *Not confirmed*: the whole interval is below the claim.
- *Cannot tell*: everything else, including statements without a record or without an error.

A table is confirmed if all of the paper's statements are confirmed, and not confirmed if one of them is not
confirmed. A *control* is a comparison that the paper does not make. It has a verdict of its own, which does not count
for the table.

Intervals of correlations are made by drawing models, training sets and domains ([statistics](statistics.md)). They
are not corrected for the number of statements.

**How the records are made.** `--scale` says on which models:

- `--scale lab` writes the files of an experiment and runs it on the embedded lab.
- `--scale real --model MODEL --sae SAE --sft SET` does the same with a model of yours.
- `--scale paper` writes files with the paper's own models, SAEs, sets and settings, and prints the commands to run on
  GPUs. It lists what the paper leaves open.

A file that exists is used as it is. So you can write the files with `--dry-run`, which runs nothing, and change them
first. A run that was stopped continues where it was.
"""


def print_list(answers: Sequence[PaperAnswer]) -> None:
    """Print every table and figure in a line, and what answers it."""
    console = standard_output()
    rows = [[one.id, one.source, one.claim, _records(one), one.verdict if one.answered else "–"] for one in answers]
    console.print(
        text_table("Tables and figures of the paper", LIST_HEADER, rows, left=LIST_HEADER, fold=LIST_HEADER[1:3])
    )
    console.print(
        "One of them: sts-eval reproduce ID RECORDS. To make the records: sts-eval reproduce ID --scale lab.",
        markup=False,
        highlight=False,
    )


def print_answer(answer: PaperAnswer) -> None:
    """Print the claim, the published figures, ours, and the verdict."""
    console = standard_output()
    console.print(f"{answer.source}: {answer.claim}", markup=False, highlight=False, style="bold")
    if answer.published:
        rows = [[one.what, published(one)] for one in answer.published]
        console.print(text_table("Published", PUBLISHED_HEADER, rows, left=PUBLISHED_HEADER[:1], dense=True))
    table = text_table("Ours", CHECKS_HEADER, left=("statement", "unit", "verdict"), fold=("statement",), dense=True)
    for check in answer.checks:
        *cells, verdict = check_cells(check)
        table.add_row(*(cell.replace("[", r"\[") for cell in cells), f"[{COLOURS[check.verdict]}]{verdict}[/]")
    console.print(table)
    for line in lines(answer):
        console.print(line, markup=False, highlight=False, style="dim")
    told = f"Verdict: {_outcome(answer)}. Controls: {_controls(answer)}."
    console.print(told, markup=False, highlight=False, style=f"bold {COLOURS[answer.verdict]}")


def markdown(answers: Sequence[PaperAnswer], command: str) -> str:
    """A document of all answers."""
    head = DOCUMENT_HEAD.format(command=command).rstrip()
    rows = [[one.source, one.claim, _outcome(one), _controls(one)] for one in answers]
    parts = [head, *pipe_table(("in the paper", "what it claims", "verdict", "controls"), rows)]
    for one in answers:
        parts += [f"## {one.source}: {one.title}", "", f"{inline(one.claim)} **{_outcome(one).capitalize()}.**"]
        if one.published:
            parts += pipe_table(PUBLISHED_HEADER, [[figure.what, published(figure)] for figure in one.published])
        else:
            parts.append("")
        parts += pipe_table(CHECKS_HEADER, map(check_cells, one.checks))[1:]
        parts += [f"- {inline(line)}" for line in lines(one)]
        parts += ["", "```", one.command, "```", ""]
    return "\n".join(parts).rstrip() + "\n"


def published(figure: Published) -> str:
    """A figure of the paper with its unit, and its standard deviation over seeds where it has one."""
    spread = "" if figure.sd is None else f" ± {figure.sd:g}"
    return f"{figure.value:g}{spread} {figure.unit}"


def check_cells(check: CheckAnswer) -> list[str]:
    """A statement with what was found."""
    found, control = check.found, " (control)" if check.control else ""
    if found is None:
        return [check.statement + control, "no record", "–", check.unit, check.verdict]
    return [check.statement + control, f"{found.value:+.3f}", _ends(found), check.unit, check.verdict]


def lines(answer: PaperAnswer) -> list[str]:
    """The rules, what the figures rest on, what is missing, and what else there is to know."""
    found = _grouped("Rule", [(check.name, check.rule.sentence) for check in answer.checks])
    found += _grouped("From", [(check.name, check.found.basis) for check in answer.checks if check.found])
    missing = [check.name for check in answer.checks if check.found is None]
    if missing:
        found.append(f"No record of {', '.join(missing)}: it needs {answer.needs}. To make them: {answer.command}")
    return [*found, answer.note] if answer.note else found


def _grouped(start: str, told: Sequence[tuple[str, str]]) -> list[str]:
    """A line for each sentence, which names the checks that it is about unless it is about all."""
    by_sentence: dict[str, list[str]] = {}
    for name, sentence in told:
        by_sentence.setdefault(sentence, []).append(name)
    of = {
        sentence: "" if len(by_sentence) == 1 else f" ({', '.join(names)})" for sentence, names in by_sentence.items()
    }
    return [f"{start}{of[sentence]}: {sentence}." for sentence in by_sentence]


def _outcome(answer: PaperAnswer) -> str:
    """The verdict, and that there is no record where there is none."""
    return answer.verdict if answer.answered else f"{answer.verdict}: no record"


def _controls(answer: PaperAnswer) -> str:
    """How the comparisons that the paper does not make came out."""
    found = [check.verdict for check in answer.checks if check.control and check.found]
    return ", ".join(f"{found.count(verdict)} {verdict}" for verdict in dict.fromkeys(found)) or "–"


def _records(answer: PaperAnswer) -> str:
    if not answer.answered:
        return "none"
    return f"{answer.answered} of {len(answer.checks)} checks"


def _ends(found: Measured) -> str:
    if found.low is None or found.high is None:
        return "–"
    level = "" if found.level == LEVEL else f" ({found.level:.1%})"
    return f"[{found.low:+.3f}, {found.high:+.3f}]{level}"
