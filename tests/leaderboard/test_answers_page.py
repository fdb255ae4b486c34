"""The answers in a real browser: one question on all tabs, tables that sort, a search that hears everything."""

import re

import gradio as gr
from helpers.browser import seen, tab

from sts_leaderboard.cells import figure_table, number

# The figures of the column r, in the order of the rows.
SHOWN = (
    "[...document.querySelectorAll('#runs-table [role=gridcell]')].map((cell) => /^([+-][.]\\d\\d) \\[/"
    ".exec(cell.innerText.trim())).filter(Boolean).map((found) => parseFloat(found[1]))"
)
RISES = "shown.every((r, place) => !place || r >= shown[place - 1])"

ASKED = "Which way it changes"


def test_the_question_is_one_on_all_tabs_and_so_is_r(page, address):
    page.goto(f"{address}?tab=where&question={ASKED.replace(' ', '+')}")
    seen(page, "which way it changes")
    r = re.search(r"r ([+-]\d\.\d\d \[.*?\])", page.locator("#where-r").inner_text())[1]
    tab(page, "Explore").click()
    seen(page, f"pooled r {r}")
    page.wait_for_url(re.compile(r"tab=explore&question=Which\+way\+it\+changes"))
    tab(page, "Predictors").click()
    seen(page, "Which way it changes (accuracy): 9 runs")
    assert "question=Which+way+it+changes" in page.url
    short = page.locator(".short").locator("visible=true").first
    assert r.replace("+0.", "+.").replace("-0.", "-.") in short.inner_text()
    assert page.errors == []


def test_a_head_sorts_by_value_and_a_search_hears_what_is_pasted_and_cleared(page, address):
    page.goto(f"{address}?tab=runs")
    seen(page, "9 runs")
    table = page.locator("#runs-table")
    table.locator("[role=columnheader][title=r] button").locator("visible=true").first.click()
    page.get_by_role("menuitem", name="Sort ascending").click()
    page.wait_for_function(f"() => {{ const shown = {SHOWN}; return shown.length === 9 && {RISES}; }}")
    page.locator("#search textarea").fill("qwen limo")
    seen(page, "1 run ·")
    page.locator("#search textarea").fill("")
    seen(page, "9 runs")
    assert page.errors == []


def test_the_menu_sorts_figures_as_numbers_and_a_missing_one_below_them(page):
    figures = figure_table([0.9, None, 0.15, -2.0, 10.0], {"score": lambda one: number(one, f"{one or 0:+.3g}")})
    with gr.Blocks() as app:
        gr.Dataframe(figures, interactive=False, elem_id="figures")
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True)
    shown = "[...document.querySelectorAll('#figures [role=gridcell]')].map((one) => one.innerText.trim())"
    page.goto(url)
    head = page.locator("#figures [role=columnheader][title=score]")
    head.hover()
    head.locator("button").click(force=True)  # unseen without the board's style
    page.get_by_role("menuitem", name="Sort descending").click()
    order = "+10 +0.9 +0.15 -2 –"
    page.wait_for_function(f"() => {shown}.filter(Boolean).join(' ') === '{order}'")
    app.close()


def test_the_address_is_copied(page, address):
    page.goto(f"{address}?tab=where")
    seen(page, re.compile(r"over \d+ runs of"))
    page.locator("#share").click()
    page.get_by_role("button", name="Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    seen(page, "last updated 20")
