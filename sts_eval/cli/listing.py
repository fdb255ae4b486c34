"""`sts-eval list ...`: the predictors and SAEs that can be named."""

import click
from rich.markup import escape
from rich.table import Table

from sts_eval.errors import UserError
from sts_eval.model import known_saes as known
from sts_eval.reporting.terminal import standard_output


@click.group("list")
def listing() -> None:
    """List the predictors and SAEs that can be named."""


@listing.command("predictors")
@click.argument("names", nargs=-1)
def predictors(names: tuple[str, ...]) -> None:
    """List all predictors, or those of the given NAMES (predictors or groups)."""
    from sts_eval.predictors.registry import select

    table = Table(title="Predictors", title_justify="left")
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
        "steps. Next: sts-eval predict --predictors lexical,loss ...",
        style="dim",
    )


@listing.command("saes")
@click.argument("model")
def saes(model: str) -> None:
    """List the residual-stream SAEs that sae-lens has for MODEL, a hub id."""
    releases = known.releases_for(model)
    if not releases:
        raise UserError(
            f"sae-lens lists no residual-stream SAE for {model}",
            "Check the id, or pass --sae-path FOLDER to `sts-eval predict`",
        )
    table = Table("release", "SAEs", "first and last id", "pickle", title=f"SAEs for {model}")
    for release in releases:
        entry = known.directory()[release]
        ids = list(entry.saes_map)
        span = ids[0] if len(ids) == 1 else f"{ids[0]} … {ids[-1]}"
        table.add_row(release, str(len(ids)), span, "yes" if known.is_pickled(release) else "")
    standard_output().print(table)
    if (default := known.DEFAULTS.get(model)) is not None:
        click.echo(f"Default: --sae-release {default.release} --sae-id {default.id}")
