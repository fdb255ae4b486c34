"""Who is at work in a folder, so that a second process neither repeats nor disturbs it.

The file of a claim names its process. Its time of change is the sign of life; a claim whose process is gone, or that
gave none for a minute, is taken over.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar

from sts_eval.errors import UserError
from sts_eval.progress import is_main_process
from sts_eval.records.record import Record, check_writable, now

SILENT = 60.0  # seconds without a sign of life after which a process counts as gone
BEAT = 10.0  # seconds between two signs of life
WAIT = "Wait until it is done, stop it, or give another --folder"


class Claim(Record):
    """A process at work."""

    schema_version: Literal[1] = 1
    host: str
    pid: int
    started: str


AnyClaim = TypeVar("AnyClaim", bound=Claim)


def own_claim() -> Claim:
    """The claim of this process."""
    return Claim(host=socket.gethostname(), pid=os.getpid(), started=now())


def holder(path: Path, kind: type[AnyClaim]) -> AnyClaim | None:
    """Who holds the claim in a file now, None where nobody does."""
    try:
        claim, silent = kind.read(path), time.time() - path.stat().st_mtime
    except (UserError, OSError):
        return None
    here = claim.host == socket.gethostname()
    return None if silent > SILENT or (here and not _is_process(claim.pid)) else claim


@contextmanager
def claimed(path: Path, claim: Claim, remedy: str = WAIT) -> Iterator[None]:
    """Hold a claim in a file, and give signs of life. `remedy` tells a second process what it can do.

    A folder that was made for the claim, and in which no file was written meanwhile, is taken away again.

    Of the processes that `accelerate launch` starts, the main one holds it for all.

    Raises:
        UserError: Another process holds it, or the folder cannot be written.
    """
    if not is_main_process():
        yield
        return
    is_new = not path.parent.exists()
    check_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(claim.canonical())
            break
        except FileExistsError:
            if _is_being_made(path):
                time.sleep(0.05)
                continue
            other = holder(path, type(claim))
            if other is not None:
                raise UserError(
                    f"{path.parent} is in use by process {other.pid} on {other.host}, since {other.started}", remedy
                ) from None
            path.unlink(missing_ok=True)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            if path.is_file():
                os.utime(path)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        path.unlink(missing_ok=True)
        if is_new:
            _remove_empty(path.parent)


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those below it, as far as they hold no file."""
    with suppress(OSError):  # it holds one, or another process removes it too
        for below in folder.iterdir():
            if below.is_dir():
                _remove_empty(below)
        folder.rmdir()


def _is_being_made(path: Path) -> bool:
    """Whether another process has made the file and not yet written it."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return False
    return stat.st_size == 0 and time.time() - stat.st_mtime < 1


def _is_process(pid: int) -> bool:
    if sys.platform != "win32":  # where asking this way would end it; the sign of life must do
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # somebody else's
            pass
    return True
