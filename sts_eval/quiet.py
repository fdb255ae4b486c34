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
def no_environment() -> Iterator[None]:
    """Keep lm-eval from describing the machine in its results, which nobody reads here.

    It asks git for the commit of the current folder, and git complains; and it lists all that pip has installed, which
    takes a second for each evaluation.
    """
    from lm_eval import evaluator

    asked, described = evaluator.get_git_commit_hash, evaluator.add_env_info
    evaluator.get_git_commit_hash, evaluator.add_env_info = lambda: None, lambda _results: None
    try:
        yield
    finally:
        evaluator.get_git_commit_hash, evaluator.add_env_info = asked, described
