"""What the commands on a store share: the option that names it, and who the user is to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from sts_eval.cli.options import Command

if TYPE_CHECKING:
    from sts_eval.store.store import Store


def _open(_context: click.Context, _option: click.Parameter, url: str | None) -> Store | None:
    from sts_eval.store.store import Store

    if url is None:
        return None
    opened = Store(url)
    opened.files.check_is_no_file()
    return opened


def store_option(*names: str, help_text: str, required: bool = False) -> Callable[[Command], Command]:
    """An option that is the address of a store. The command is given the store as `opened`, or None."""
    return click.option(*names, "opened", metavar="STORE", callback=_open, required=required, help=help_text)


STORE = store_option("--store", "--to", required=True, help_text="The store: a folder, hf:// or s3:// address.")


def secret_of_user() -> str:
    """The user's secret, made when it is first needed."""
    from sts_eval.submission.owner import config_folder, own_secret

    return own_secret(config_folder())


def owner_of_user() -> str:
    """Who the user is to a store."""
    from sts_eval.submission.owner import owner_of

    return owner_of(secret_of_user())
