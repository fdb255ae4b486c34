"""`sts-eval board`: the leaderboard on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sts_eval.cli.store_options import store_option
from sts_eval.errors import UserError

if TYPE_CHECKING:
    from sts_eval.store.store import Store


@click.command("board")
@store_option("--store", help_text="A folder, hf:// or s3:// address; by default the shipped store.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; by default the first free one from 7860.")
@click.option("--allow-writes", is_flag=True, help="Let everybody who can open the page submit to the store.")
def board(opened: Store | None, port: int | None, allow_writes: bool) -> None:
    """Serve the leaderboard on this machine."""
    try:
        from sts_leaderboard.app import launch, seeded_store
    except ModuleNotFoundError as error:
        raise UserError(f"the board needs {error.name}", "Install it with: pip install 'sts-eval[board]'") from error

    if allow_writes and opened is None:
        raise UserError("the shipped store cannot be written", "Name your own with --store")
    launch(seeded_store() if opened is None else opened, allow_writes=allow_writes, port=port)
