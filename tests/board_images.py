"""Takes the pictures of the leaderboard that the documents show, from the store that the page comes with.

    PYTHONPATH=tests:leaderboard python tests/board_images.py [FOLDER]

FOLDER is docs/images if left out. Needs the extras `board` and `dev`, and Debian's chromium.
"""

import sys
from pathlib import Path

from helpers.browser import CHROMIUM, FLAGS
from playwright.sync_api import Page, sync_playwright

from sts_leaderboard.app import launch, seeded_store

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"

WIDTH = 1280

LONGEST = 120_000
"""Milliseconds: a comparison that nobody made before takes its time."""

PICTURES = {
    "board-predictors": ("?tab=predictors", 960, "noise ceiling", "[role=gridcell]"),
    "board-explore": ("?tab=explore", 1130, "Click a point", ".point"),
    "board-run": ("?tab=run&run={run}", 1480, "What reproduces it", ".point"),
}
"""Address, height in pixels, and what must be there first: words and an element."""


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    store = seeded_store()
    runs = store.board().runs
    measured = runs[runs["origin"] == "measured"].sort_values("sts_icl_magnitude_r")
    # The run in the middle: the best one would promise too much.
    run = measured["sha256"].iloc[len(measured) // 2][:12]
    app, url, _ = launch(store, prevent_thread_lock=True, quiet=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (query, height, words, element) in PICTURES.items():
            page = browser.new_page(viewport={"width": WIDTH, "height": height})
            page.goto(url + query.format(run=run))
            _take(page, folder / f"{name}.png", words, element)
            page.close()
        browser.close()
    app.get_blocks().close()


def _take(page: Page, path: Path, words: str, element: str) -> None:
    page.get_by_text(words).locator("visible=true").first.wait_for(timeout=LONGEST)
    page.locator(element).locator("visible=true").first.wait_for(timeout=LONGEST)
    page.wait_for_timeout(1500)  # figures fade in
    page.screenshot(path=path)
    print(path)  # noqa: T201 - a script says what it wrote


if __name__ == "__main__":
    main()
