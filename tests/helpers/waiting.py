"""How tests of the page look at it."""

WAIT = 8_000
"""Milliseconds; a machine with other jobs is slow."""


def tab(page, name):
    """A tab, by its word."""
    return page.get_by_role("tab", name=name, exact=True)


def seen(page, text):
    """Wait until a text is to be seen."""
    page.get_by_text(text).locator("visible=true").first.wait_for(state="visible", timeout=WAIT)
