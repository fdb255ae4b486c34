"""Who may write to the store from the page, and how much."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import gradio as gr

from sts_eval.errors import UserError
from sts_eval.store.store import Store
from sts_leaderboard.escaping import plain
from sts_leaderboard.page import error_notices

QUOTA = 20  # Submissions and requests of one person in `QUOTA_SECONDS`.
QUOTA_SECONDS = 24 * 3600.0


class Quota:
    """How much one person may still hand in or ask for; those who are not signed in count as one.

    It is counted in memory. What the store's ledger has of a person when this process first meets them counts as of
    then, so that a restart gives nobody a new quota of submissions.
    """

    def __init__(self, store: Store, most: int = QUOTA) -> None:
        self._store, self._most = store, most
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, who: str) -> None:
        """Book one for somebody; who is not signed in has the name "".

        Raises:
            UserError: There is none left.
        """
        moment = time.monotonic()
        with self._lock:
            if who not in self._times:
                since = datetime.now(UTC) - timedelta(seconds=QUOTA_SECONDS)
                self._times[who] = deque([moment] * self._store.submitted_by(who, since))
            times = self._times[who]
            while times and moment - times[0] > QUOTA_SECONDS:
                times.popleft()
            if len(times) >= self._most:
                limit = f"{self._most} submissions and requests a day are taken from one person"
                raise UserError(limit, "Come back tomorrow")
            times.append(moment)


def on_space() -> bool:
    """Whether this runs on a Hugging Face Space, where visitors must sign in to write."""
    return bool(os.environ.get("SPACE_ID"))


def as_visitor(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler of an event, made of one that takes the visitor's name first.

    On a Space it is the name of who has signed in, and nobody else is let through; elsewhere it is empty. Errors are
    told as notices.
    """

    def signed(profile: gr.OAuthProfile | None, *values: Any) -> Any:
        if profile is None:
            raise gr.Error("Sign in with Hugging Face first.", print_exception=False)
        with error_notices():
            return handler(plain(profile.username, 90), *values)

    def anonymous(*values: Any) -> Any:
        with error_notices():
            return handler("", *values)

    return signed if on_space() else anonymous
