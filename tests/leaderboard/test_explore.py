"""Explore in a real browser: seeds, clicks on points, and the way there from the ranking."""

import re

import numpy as np
from helpers.browser import seen

RUN = re.compile(r"\?tab=run&run=([0-9a-f]{12})$")

GRAPH = "document.querySelector('#explore-figure .js-plotly-plot')"

PLACE = """(place) => {
  const graph = document.querySelector('#explore-figure .js-plotly-plot');
  graph.scrollIntoView({block: 'center', behavior: 'instant'});
  const {trace, point} = place, {xaxis, yaxis, _size} = graph._fullLayout, data = graph._fullData[trace];
  const box = graph.getBoundingClientRect();
  return [box.left + _size.l + xaxis.d2p(data.x[point]), box.top + _size.t + yaxis.d2p(data.y[point]),
          data.customdata[point].slice(-1)[0]];
}"""


def opened(page, address, query):
    page.goto(f"{address}?tab=explore{query}")
    seen(page, "Click a point for its run")
    page.wait_for_function(f"() => {{ const graph = {GRAPH}; return graph && graph.leadsToRuns === graph.on; }}")


def unfold(page):
    page.get_by_text("Choose runs, domains, seeds; maps").click()


def emitted(page, custom):
    page.evaluate(f"(said) => {{ {GRAPH}.emit('plotly_click', {{points: [{{customdata: said}}]}}); }}", custom)


def test_a_click_on_a_point_opens_its_run(page, address):
    opened(page, address, "&model=qwen-7b&training_set=law")
    x, y, run = page.evaluate(PLACE, {"trace": 0, "point": 0})
    page.mouse.move(x, y)
    page.wait_for_timeout(200)
    page.mouse.click(x, y)
    page.wait_for_url(RUN)
    assert RUN.search(page.url)[1] == run
    seen(page, "qwen-7b on law")


def test_points_lead_to_their_runs_after_the_figure_was_drawn_anew(page, address, store):
    opened(page, address, "&model=qwen-7b")
    before = page.evaluate(f"{GRAPH}.data.length")
    unfold(page)
    page.get_by_label("training set", exact=True).locator("visible=true").check()
    page.wait_for_function(f"(n) => {GRAPH} && {GRAPH}.data.length !== n", arg=before)
    page.get_by_label("View").click()
    page.get_by_role("option", name="map of changes").click()
    page.wait_for_function(f"() => {GRAPH} && {GRAPH}.data[0].type === 'heatmap'")
    page.wait_for_function(f"() => {GRAPH}.leadsToRuns === {GRAPH}.on")
    run = page.evaluate(f"{GRAPH}.data[0].customdata[1][2]")
    emitted(page, run)
    page.wait_for_url(RUN)
    found = store.find(RUN.search(page.url)[1])
    assert store.read(found).outcome.model == "qwen-7b"


def test_a_point_leads_nowhere_but_to_a_run(page, address):
    opened(page, address, "&model=qwen-7b")
    was = page.url
    for said in (
        ["javascript:alert(1)"],
        ["0123456789abc"],
        ["0123456789ab\n"],
        ["ABCDEF012345"],
        ["//evil.example"],
        {"length": 1, "0": "x"},
        12,
        None,
        [],
    ):
        emitted(page, said)
    page.wait_for_timeout(300)
    assert page.url == was
    assert page.errors == []


def test_one_seed_is_chosen_and_the_address_keeps_it(page, address, store):
    opened(page, address, "&question=Which+way+it+changes&model=qwen-7b&training_set=law")
    bars = f"{GRAPH}.data.filter((trace) => trace.error_y.visible).length"
    assert page.evaluate(bars) == 9
    seen(page, "Bars: one standard error, over questions and tuning seeds")
    unfold(page)
    page.locator("#explore-seed input").click()
    page.get_by_role("option", name="1", exact=True).click()
    seen(page, "Tuning seed 1 alone")
    page.wait_for_url(re.compile("seed=1"))
    page.wait_for_function(f"() => {GRAPH} && !{bars}")
    changes = store.board().seed_changes
    run = store.board().runs.query("model == 'qwen-7b' and training_set == 'law'")["sha256"].iloc[0]
    wanted = changes[(changes["sha256"] == run) & (changes["seed"] == 1)]["delta"]
    drawn = page.evaluate(f"{GRAPH}._fullData.flatMap((trace) => Array.from(trace.y))")
    assert np.allclose(sorted(drawn), sorted(wanted))


def test_a_seed_or_benchmark_that_nobody_has_is_dropped_from_the_address(page, address):
    opened(page, address, "&seed=99&benchmark=nobodys&model=qwen-7b")
    seen(page, "over 3 runs")
    page.wait_for_url(re.compile(r"\?tab=explore&model=qwen-7b$"))


def test_a_row_of_the_ranking_opens_explore_with_its_predictor(page, address):
    page.goto(f"{address}?tab=predictors&model=qwen-7b&model=llama-8b")
    seen(page, "noise ceiling")
    page.get_by_text("More: every predictor").click()
    row = page.get_by_role("row").filter(has_text="prompt_length").locator("visible=true").first
    r = re.search(r"([+-])(\.\d\d)", row.inner_text()).expand(r"\g<1>0\2")
    row.get_by_text("prompt_length", exact=True).click()
    page.wait_for_url(re.compile(r"tab=explore"))
    # The question is how much a domain changes, so Explore shows sizes, and the same r.
    seen(page, f"pooled r {r}")
    seen(page, "over 6 runs")
    assert "predictor=prompt_length" in page.url
    assert "model=qwen-7b&model=llama-8b" in page.url
