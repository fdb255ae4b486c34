"""`sts-eval board`: the leaderboard on this machine."""

from __future__ import annotations

import click


@click.command("board")
@click.option(
    "--store", "url", help="A folder or an address such as hf://datasets/owner/name; the shipped one if left out."
)
@click.option("--port", type=click.IntRange(1, 65535), help="To listen on; the first free one from 7860 if left out.")
@click.option("--allow-writes", is_flag=True, help="Let whoever reaches the page submit to the store.")
def command(url: str | None, port: int | None, allow_writes: bool) -> None:
    """Serve the leaderboard, on the seeded store unless another is named."""
    from sts_eval.errors import UserError
    from sts_eval.store.store import Store

    try:
        from sts_leaderboard.app import launch, seeded_store
    except ModuleNotFoundError as error:
        raise UserError(f"the board needs {error.name}", "Install it with: pip install 'sts-eval[board]'") from error

    if allow_writes and url is None:
        raise UserError("the shipped store is not to be written", "Name your own with --store")
    launch(Store(url) if url else seeded_store(), allow_writes=allow_writes, port=port)
