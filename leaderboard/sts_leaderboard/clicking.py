"""From a click to an address: rows of tables, and points of figures.

An address is made of what matches a pattern, or of what the server knows; nothing that was submitted is evaluated.
"""

from __future__ import annotations

import gradio as gr

from sts_leaderboard.links import State, to_query

FIGURE = "explore-figure"
"""Where points lead to their run."""

# A run has an address of its own, so that "back" returns to the table with its filters.
VISIT = "(run) => { if (/^[0-9a-f]{12}$/.test(run)) { location.search = '?tab=run&run=' + run; } }"

EXPLORE = (
    r"(query) => { if (/^\?tab=explore(&[a-z_]+=[A-Za-z0-9_.~%+-]*)*$/.test(query)) { location.search = query; } }"
)

# gr.Plot tells Python nothing of clicks. `customdata` of a point is its run, or a list that ends with it. Plotly gives
# a graph a new `on` where it is drawn from nothing, and keeps the old one, with what listens, where it is only changed.
HEAD = (
    """<script>
(() => {
  const visit = (event) => {
    const point = event && event.points && event.points[0];
    const said = point && point.customdata;
    const run = Array.isArray(said) ? said[said.length - 1] : said;
    if (typeof run === 'string' && /^[0-9a-f]{12}$/.test(run)) { location.search = '?tab=run&run=' + run; }
  };
  const attach = () => {
    for (const graph of document.querySelectorAll('#"""
    + FIGURE
    + """ .js-plotly-plot')) {
      if (typeof graph.on === 'function' && graph.leadsToRuns !== graph.on) {
        graph.leadsToRuns = graph.on;
        graph.on('plotly_click', visit);
      }
    }
  };
  new MutationObserver(attach).observe(document, { childList: true, subtree: true });
})();
</script>"""
)


def first_cell(event: gr.SelectData) -> str:
    """The first cell of the row that was selected: the run's name in tables of runs and points."""
    return cell(event, 0)


def predictor_cell(event: gr.SelectData) -> str:
    """The predictor of a row of the ranking, as its second column shows it."""
    return cell(event, 1)


def cell(event: gr.SelectData, place: int) -> str:
    """A cell of the row that was selected; nothing where there is none."""
    row = event.row_value
    return str(row[place]) if isinstance(row, list) and len(row) > place else ""


def explored(shown: str, known: list[str], ranking: State, sign: str, defaults: State) -> str:
    """The address of Explore for a predictor of the ranking and the same runs.

    Args:
        shown: The predictor as the ranking shows it: its name, or its name and what it lacks in brackets.
        known: The predictors that have scores on the board.
        ranking: The state of the ranking.
        sign: What Explore calls the change that the ranking's question is about: signed, or its size.
        defaults: The state of Explore where an address says nothing.

    Returns:
        The address, empty where the board knows no such predictor.
    """
    name = next((one for one in (shown, shown.rpartition(" (")[0]) if one in known), None)
    if name is None:
        return ""
    same = {key: value for key, value in ranking.items() if key in defaults and key != "benchmark"}
    chosen = ranking.get("benchmark")
    benchmarks = (chosen,) if isinstance(chosen, str) and chosen else ()
    return to_query("explore", {**same, "predictor": name, "benchmark": benchmarks, "sign": sign}, defaults)
