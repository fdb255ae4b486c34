"""One browser and one served board for all tests of the page: Debian's chromium, driven by playwright."""

from pathlib import Path

import pytest
from helpers.board import fill
from helpers.browser import CHROMIUM, FLAGS, WAIT

from sts_eval.store.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Of a file of tests, which hand runs in; where one counts, it counts what it searched for, or comes first."""
    made = Store(str(tmp_path_factory.mktemp("store")))
    fill(made)
    return made


@pytest.fixture(scope="session")
def serve():
    """Serves a store until the tests are over; gives its address."""
    pytest.importorskip("gradio", reason="gradio is not installed: pip install '.[board]'")
    from sts_leaderboard.app import launch

    running = []

    def start(store, *, allow_writes=False):
        app, url, _ = launch(store, allow_writes=allow_writes, prevent_thread_lock=True, quiet=True)
        running.append(app)
        return url

    yield start
    for app in running:
        app.get_blocks().close()


@pytest.fixture(scope="module")
def address(serve, store):
    return serve(store, allow_writes=True)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    with playwright.sync_playwright() as started:
        context = started.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1280, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(WAIT)
        yield context
        context.close()


@pytest.fixture
def page(browser):
    opened = browser.new_page()
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on("dialog", lambda dialog: (opened.errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
    yield opened
    opened.close()
