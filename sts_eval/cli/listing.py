"""`sts-eval list ...`: the predictors and SAEs that can be named."""

import click
from rich.markup import escape
from rich.table import Table

from sts_eval.errors import UserError
from sts_eval.model import known_saes as known
from sts_eval.reporting.terminal import standard_output, text_table

HEADER = ("release", "SAEs", "id", "trained on", "pickle")


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
@click.option("--release", metavar="TEXT", help="List every SAE of the releases whose names contain this.")
@click.option("--id", "wanted", metavar="TEXT", help="List every SAE whose id contains this, such as layer_12.")
def saes(model: str, release: str | None, wanted: str | None) -> None:
    """List the residual-stream SAEs that sae-lens has for MODEL, a hub id.

    Without options, one line per release; with --release or --id, one line per SAE.
    """
    click.echo("Loading sae-lens, which lists them.", err=True)
    releases = [name for name in known.releases_for(model) if (release or "") in name]
    if not releases:
        what = f"sae-lens lists no residual-stream SAE for {model}" + (f" with {release!r}" if release else "")
        if release and known.releases_for(model):
            raise UserError(what, "Leave out --release to see the releases")
        near = known.near_models(model)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UserError(what, f"{meant}Give another hub id, or make an SAE with `sts-eval sae train`")
    header = HEADER if any(map(known.is_pickled, releases)) else HEADER[:-1]
    table = text_table(f"SAEs for {model}", header, left=header, fold=("release", "id", "trained on"))
    found = 0
    for name in releases:
        entry = known.directory()[name]
        ids = [one for one in entry.saes_map if (wanted or "") in one]
        found += len(ids)
        trained_on = "this model" if known.is_trained_on(name, model) else entry.model
        pickle = ["yes" if known.is_pickled(name) else ""] if "pickle" in header else []
        if release is not None or wanted is not None:
            for one in ids:
                table.add_row(name, "1", escape(one), escape(trained_on), *pickle)
        else:
            span = ids[0] if len(ids) == 1 else f"{ids[0]} … {ids[-1]}"
            table.add_row(name, str(len(ids)), escape(span), escape(trained_on), *pickle)
    if not found:
        raise UserError(f"no SAE for {model} has {wanted!r} in its id", "Leave out --id to see the releases")
    standard_output().print(table)
    if (default := known.DEFAULTS.get(model)) is not None:
        click.echo(f"Default: --sae-release {default.release} --sae-id {default.id}")
    click.echo("Whether an SAE reconstructs what the model computes, `sts-eval predict` measures before it predicts.")
