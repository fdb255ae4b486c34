"""`sts-eval saes`: which SAEs sae-lens has for a model."""

from __future__ import annotations

import click


@click.command("saes")
@click.argument("model")
def command(model: str) -> None:
    """List the residual-stream SAEs that sae-lens has for MODEL, a hub id."""
    from rich.table import Table

    from sts_eval.errors import UserError
    from sts_eval.model import known_saes as known
    from sts_eval.report.terminal import standard_output

    releases = known.releases_for(model)
    if not releases:
        raise UserError(
            f"sae-lens lists no residual-stream SAE for {model}",
            "Check the id, or pass --sae-path FOLDER to predict",
        )
    default = known.default_for(model)
    table = Table("release", "SAEs", "first and last id", "pickle", title=f"SAEs for {model}")
    for release in releases:
        entry = known.directory()[release]
        ids = list(entry.saes_map)
        span = ids[0] if len(ids) == 1 else f"{ids[0]} … {ids[-1]}"
        table.add_row(release, str(len(ids)), span, "yes" if known.is_pickled(release) else "")
    standard_output().print(table)
    if default is not None:
        click.echo(f"Default: --sae-release {default.release} --sae-id {default.id}")
