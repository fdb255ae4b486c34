"""Keeping away what other libraries say to their own developers. What they warn users of stays."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def quiet_libraries() -> None:
    """Leave out other libraries' announcements of later versions, and lm-eval's account of what it does.

    Warnings of this package stay, and so does everything where Python was started with -W.
    """
    if not sys.warnoptions:
        for category in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.filterwarnings("ignore", category=category)
            warnings.filterwarnings("default", category=category, module=r"sts_eval")
    logging.getLogger("lm_eval").setLevel(logging.WARNING)


@contextmanager
def quietly() -> Iterator[None]:
    """The same for the time of a call from Python, whose own settings come back; also a decorator.

    In a notebook tqdm asks for ipywidgets, with which it would draw bars. Our progress is lines of text.
    """
    with warnings.catch_warnings():
        quiet_libraries()
        warnings.filterwarnings("ignore", message="IProgress not found")
        yield


@contextmanager
def no_git_hash() -> Iterator[None]:
    """Keep lm-eval from asking git for the commit of the current folder: nobody reads it, and git complains."""
    import lm_eval.evaluator

    asked = lm_eval.evaluator.get_git_commit_hash
    lm_eval.evaluator.get_git_commit_hash = lambda: None
    try:
        yield
    finally:
        lm_eval.evaluator.get_git_commit_hash = asked
