"""The board's data as named endpoints, for programs and, where the `mcp` package is installed, for assistants."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
from gradio.events import api as endpoint_of

from sts_eval.errors import UserError
from sts_leaderboard.badges import origin_of
from sts_leaderboard.shelf import Shelf
from sts_leaderboard.views import ranking, run_table
from sts_leaderboard.views.run_table import Filters


def build(shelf: Shelf) -> None:
    """Add the endpoints `runs`, `run`, `points` and `predictors` to the blocks that are open."""

    def runs(origin: str = "measured", search: str = "", page: int = 1) -> dict[str, Any]:
        """A page of runs, newest first, as plain values: hash, names, tier, correlations.

        Args:
            origin: measured, imported or published.
            search: Words that must occur in the names.
            page: From 1; a page has 100 runs.
        """
        wanted = Filters(origin=origin_of(origin), search=search)
        found = run_table.ordered(run_table.matching(shelf.board().runs, wanted), "newest first")
        rows, number, pages = run_table.page_of(found, int(page))
        return {"runs": json.loads(rows.to_json(orient="records")), "page": number, "pages": pages, "found": len(found)}

    def run(sha256: str) -> dict[str, Any]:
        """One submission as it was handed in.

        Args:
            sha256: The first digits of its hash.
        """
        try:
            return json.loads(shelf.submission(shelf.find(sha256)).canonical())  # type: ignore[no-any-return]  # a record is an object
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def points(sha256: str) -> list[dict[str, Any]]:
        """Domains of one run: questions, change in points with its error, and every predictor's score.

        Args:
            sha256: The first digits of its hash.
        """
        try:
            name = shelf.find(sha256)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error
        some = shelf.board().points
        found: list[dict[str, Any]] = json.loads(some[some["sha256"] == name].to_json(orient="records"))
        return found

    def predictors(origin: str = "measured", benchmark: str = "") -> dict[str, Any]:
        """All predictors compared over the runs of one origin and benchmark, question by question.

        Args:
            origin: measured, imported or published.
            benchmark: The one that most runs are of if empty.
        """
        table = shelf.board().runs
        known = origin_of(origin)
        chosen = ranking.choose(table, origin=known, benchmark=benchmark or ranking.leading_benchmark(table, known))
        if not chosen.shas:
            return {"tables": [], "runs": []}
        try:
            return json.loads(shelf.comparison(chosen.shas).canonical())  # type: ignore[no-any-return]  # a record is an object
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    for endpoint in (runs, run, points, predictors):
        endpoint_of(endpoint, api_name=endpoint.__name__, concurrency_limit=4)
