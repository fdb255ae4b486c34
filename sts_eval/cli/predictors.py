"""`sts-eval predictors`: what can be asked for with `--predictors`."""

from __future__ import annotations

import click


@click.command("predictors")
@click.argument("names", nargs=-1)
def command(names: tuple[str, ...]) -> None:
    """List predictors, or those of the NAMES (predictors or groups) given."""
    from rich.markup import escape
    from rich.table import Table

    from sts_eval.predictors.registry import select
    from sts_eval.report.terminal import standard_output

    table = Table(title="Predictors beside STS", title_justify="left")
    for header in ("group", "name", "flags", "what it is"):
        table.add_column(header, no_wrap=header != "what it is")
    group = ""
    for one in select(names or ("all",)):
        table.add_row("" if one.group == group else one.group, one.name, " ".join(one.flags), escape(one.summary))
        group = one.group
    console = standard_output()
    console.print(table)
    console.print(
        "Flags: L looks at the right answers of the domains' questions, G runs backward passes, P trains for some "
        "steps. Ask for some with: sts-eval predict --predictors lexical,loss ...",
        style="dim",
    )
