"""Who may write to the store from the page, and how much."""

from __future__ import annotations

import html
import os
import threading
import time
from collections import deque

import gradio as gr

from sts_eval.errors import UserError
from sts_leaderboard.inert import plain

QUOTA = 20
"""Submissions and requests of one person in `QUOTA_SECONDS`."""

QUOTA_SECONDS = 24 * 3600.0

ANYBODY = "anybody"
"""Who writes where nobody signs in; they share a quota."""


class Quota:
    """How much one person may still hand in or ask for. It is kept in memory and forgets with the process.

    Args:
        most: Submissions and requests in `seconds`.
        seconds: The window.
    """

    def __init__(self, most: int = QUOTA, seconds: float = QUOTA_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, who: str) -> None:
        """Book one.

        Raises:
            UserError: There is none left.
        """
        moment = time.monotonic()
        with self._lock:
            times = self._times.setdefault(who, deque())
            while times and moment - times[0] > self._seconds:
                times.popleft()
            if len(times) >= self._most:
                raise UserError(
                    f"{self._most} submissions and requests a day are taken from one person", "Come back tomorrow"
                )
            times.append(moment)


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
