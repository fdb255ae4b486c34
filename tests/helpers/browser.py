"""How tests start Debian's chromium, and how they look at the page in it."""

CHROMIUM = "/usr/bin/chromium"

FLAGS = [
    "--headless",
    "--no-sandbox",  # tests may run as root, where the sandbox does not start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

WAIT = 600_000
"""Milliseconds after which the page is taken to be broken: a machine with other jobs is slow."""


def tab(page, name):
    """A tab, by its word."""
    return page.get_by_role("tab", name=name, exact=True)


def seen(page, text):
    """Wait until a text is to be seen."""
    page.get_by_text(text).locator("visible=true").first.wait_for(state="visible", timeout=WAIT)
