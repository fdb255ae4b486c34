"""Who may write to the store from the page, and how much."""

from __future__ import annotations

import html
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import gradio as gr

from sts_eval.errors import UserError
from sts_eval.store.store import Store
from sts_leaderboard.inert import plain

QUOTA = 20
"""Submissions and requests of one person in `QUOTA_SECONDS`."""

QUOTA_SECONDS = 24 * 3600.0

ANYBODY = "anybody"
"""Who writes where nobody signs in; they share a quota."""


class Quota:
    """How much one person may still hand in or ask for.

    It is counted in memory. What the store's ledger has of a person when this process first meets them counts as of
    then, so that a restart gives nobody a new quota of submissions.

    Args:
        most: Submissions and requests in `seconds`.
        seconds: The window.
        before: How many submissions somebody handed in during the window, by the ledger.
    """

    def __init__(
        self, most: int = QUOTA, seconds: float = QUOTA_SECONDS, before: Callable[[str], int] = lambda _who: 0
    ) -> None:
        self._most, self._seconds, self._before = most, seconds, before
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, who: str) -> None:
        """Book one.

        Raises:
            UserError: There is none left.
        """
        moment = time.monotonic()
        with self._lock:
            if who not in self._times:
                self._times[who] = deque([moment] * self._before(who))
            times = self._times[who]
            while times and moment - times[0] > self._seconds:
                times.popleft()
            if len(times) >= self._most:
                raise UserError(
                    f"{self._most} submissions and requests a day are taken from one person", "Come back tomorrow"
                )
            times.append(moment)


def quota_of(store: Store) -> Quota:
    """The quota of everybody who writes to a store from this process."""
    return Quota(before=lambda who: store.submitted_by(who, datetime.now(UTC) - timedelta(seconds=QUOTA_SECONDS)))


def on_space() -> bool:
    """Whether this runs on a Hugging Face Space, where visitors must sign in to write."""
    return bool(os.environ.get("SPACE_ID"))


def signed_in(profile: gr.OAuthProfile | None) -> str:
    """The visitor's name.

    Raises:
        gr.Error: Nobody has signed in.
    """
    if profile is None:
        raise gr.Error(html.escape("Sign in with Hugging Face first."), print_exception=False)
    return plain(profile.username, 90)
