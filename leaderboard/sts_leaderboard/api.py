"""The board's data as named endpoints, for programs and, where the `mcp` package is installed, for assistants."""

import json
from typing import Any

import pandas as pd
from gradio.events import api as add_endpoint

from sts_eval.records.submission import Origin
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.page import error_notices
from sts_leaderboard.pages import predictors as predictors_page
from sts_leaderboard.pages import runs as runs_page
from sts_leaderboard.run_selection import ALL, CHECKED, chosen_of


def build(cache: BoardCache) -> None:
    """Add the endpoints `runs`, `run`, `points` and `predictors` to the blocks that are open."""

    def runs(origin: Origin = "measured", search: str = "", page: int = 1) -> dict[str, Any]:
        """A page of runs, newest first, as plain values: hash, names, tier, correlations.

        Args:
            origin: measured, imported or published.
            search: Words that must occur in the names.
            page: From 1; a page has 100 runs.
        """
        wanted = {**runs_page.DEFAULTS, "origin": origin, "search": search}

        def made() -> dict[str, Any]:
            found = runs_page.ordered(runs_page.matching(cache.tables().runs, wanted), "newest first")
            rows, number, pages = runs_page.page_of(found, page)
            return {"runs": _records(rows), "page": number, "pages": pages, "found": len(found)}

        return cache.once(made, "runs", origin, search, page)

    def run(sha256: str) -> dict[str, Any]:
        """One submission as it was handed in.

        Args:
            sha256: The first digits of its hash.
        """
        with error_notices():
            return cache.store.read(cache.find(sha256)).model_dump(mode="json")

    def points(sha256: str) -> list[dict[str, Any]]:
        """Domains of one run: questions, change in points with its error, and every predictor's score.

        Args:
            sha256: The first digits of its hash.
        """
        with error_notices():
            name, every = cache.find(sha256), cache.tables().points
            return cache.once(lambda: _records(every[every["sha256"] == name]), "points", name)

    def predictors(origin: Origin = "measured", benchmark: str = "", unchecked: bool = False) -> dict[str, Any]:
        """All predictors compared over the runs of one origin and benchmark, question by question.

        Args:
            origin: measured, imported or published.
            benchmark: The one that this board is for if empty.
            unchecked: Also count runs that nobody but the submitter has checked.
        """
        evidence = ALL if unchecked else CHECKED
        state = {**predictors_page.DEFAULTS, "origin": origin, "benchmark": benchmark, "evidence": evidence}

        def made() -> dict[str, Any]:
            chosen = chosen_of(cache.tables(), state)
            if not chosen.shas:
                return {"tables": [], "runs": []}
            return cache.comparisons.wait(chosen.shas).model_dump(mode="json")

        with error_notices():
            return cache.once(made, "predictors", *state.values())

    for endpoint in (runs, run, points, predictors):
        add_endpoint(endpoint, api_name=endpoint.__name__, concurrency_limit=4)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return found
