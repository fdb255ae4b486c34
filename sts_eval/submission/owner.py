"""Who owns a record: whoever has the secret whose hash stands in it.

The secret is made once, lies in the user's own folder and never in a record. A store keeps its SHA-256 only, and a
board is shown it. So nobody can take over a name or a record from what is public. But whoever runs a board sees the
secrets that are handed in there, and nobody can verify an entry who was not there when it was written. A signature
would do that; it needs a package that this tool does not depend on.
"""

import hashlib
import os
import re
import secrets
from pathlib import Path

import click

from sts_eval.errors import UserError

FILE = "owner.key"
_SECRET = re.compile(r"[0-9a-f]{64}")


def config_folder() -> Path:
    """The user's own folder for this tool: what STS_EVAL_CONFIG names, or where the system keeps settings."""
    return Path(os.environ.get("STS_EVAL_CONFIG") or click.get_app_dir("sts-eval"))


def own_secret(folder: Path) -> str:
    """The secret that a folder keeps, made when it is first asked for; nobody else may read the file.

    Raises:
        UserError: The file cannot be read or written, or holds something else.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the secret {path} cannot be read or made ({getattr(error, 'strerror', None) or 'no text'})"
        raise UserError(problem, "Name another folder with STS_EVAL_CONFIG") from error
    if not _SECRET.fullmatch(secret):
        raise UserError(f"{path} holds no secret", "Put its 64 digits back, or move the file away for a new one")
    return secret


def _make(path: Path) -> None:
    """A new secret, whole before it has its name; where two processes make one, the first one stands."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(32) + "\n")
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def owner_of(secret: str) -> str:
    """The owner that a secret stands for.

    Raises:
        UserError: It is no secret of this tool.
    """
    given = secret.strip().lower()
    if not _SECRET.fullmatch(given):
        raise UserError("a secret has 64 hexadecimal digits", "Give what `sts-eval store key --secret` prints")
    return hashlib.sha256(given.encode()).hexdigest()


def account(name: str) -> str:
    """The owner that an account of a board stands for."""
    return f"account:{name}"
