"""A visitor who comes before the comparison is made: told at once, and served without a click."""

import re
import threading

from helpers.board import fill
from helpers.browser import seen

from sts_eval.store.store import Store
from sts_leaderboard import board_cache

LONG = 600
TITLE = re.compile("noise ceiling:? (at least )?[.0-9]")  # of a table; the legend, too, names the ceiling


def test_the_table_comes_by_itself(page, serve, tmp_path, monkeypatch):
    store = Store(str(tmp_path))
    fill(store)
    go, compare = threading.Event(), board_cache.compare

    def held(outcomes):
        assert go.wait(LONG)
        return compare(outcomes)

    monkeypatch.setattr(board_cache, "compare", held)
    page.goto(f"{serve(store)}?tab=predictors&question=Which+way+it+changes")
    seen(page, "All predictors are being compared over 9 runs")
    seen(page, "9 runs")
    assert page.get_by_text(TITLE).locator("visible=true").count() == 0
    # Another choice of runs is told so, too, and the answer is to that choice.
    page.get_by_text("Ask another question, choose runs").locator("visible=true").first.click()
    page.get_by_text("imported", exact=True).locator("visible=true").first.click()
    seen(page, "over 2 runs")
    go.set()
    seen(page, TITLE)
    seen(page, "Which way it changes")
    assert "origin=imported" in page.url
    assert page.errors == []
