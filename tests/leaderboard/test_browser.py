"""The page in a real browser: Debian's chromium, driven by playwright."""

import re

from helpers.board import OWNER, made_outcomes, made_submission
from helpers.browser import seen


def test_a_search_filters_and_the_address_restores_it(page, address, browser):
    page.goto(f"{address}?tab=runs")
    seen(page, "9 runs")
    # Letter by letter: a value that is set at once is no input to the page.
    page.wait_for_url(re.compile("tab=runs$"))
    page.wait_for_timeout(500)
    page.locator("#search textarea").press_sequentially("qwen limo")
    seen(page, "1 run ·")
    page.wait_for_url(re.compile(r"search=qwen\+limo$"))
    shared = page.url
    other = browser.new_page()
    other.goto(shared)
    seen(other, "1 run ·")
    assert other.locator("#search textarea").input_value() == "qwen limo"
    assert other.url == shared
    other.close()


def test_nothing_found_tells_what_to_do_and_one_click_clears(page, address):
    page.goto(f"{address}?tab=runs&search=nobody&family=Llama")
    seen(page, "No run matches.")
    page.locator("#clear").click()
    seen(page, "9 runs")


def test_a_click_on_a_run_shows_its_evidence(page, address):
    page.goto(f"{address}?tab=runs&search=llama+limo")
    seen(page, "1 run ·")
    page.locator("#runs-table").get_by_text("llama-8b", exact=True).locator("visible=true").first.click()
    seen(page, "llama-8b on limo")
    seen(page, "|r| must exceed")
    page.wait_for_url(re.compile(r"tab=run&run=[0-9a-f]{12}"))


def test_origins_are_told_apart_by_word_and_colour(page, address):
    colours = {}
    for origin, runs in (("measured", "9 runs"), ("imported", "2 runs"), ("published", "1 run ·")):
        page.goto(f"{address}?tab=runs&origin={origin}")
        seen(page, runs)
        badge = page.locator(f".badge-{origin}").locator("visible=true").first
        assert origin in badge.inner_text()
        colours[origin] = badge.evaluate("element => getComputedStyle(element).backgroundColor")
    assert len(set(colours.values())) == 3


def test_a_submission_is_made_and_found(page, address, store):
    outcome = made_outcomes(models=("falcon-7b",), sets=("poems",), seed=9)[0]
    # The hashes are those of no other run.
    outcome = outcome.model_copy(update={"prediction_sha256": "ab" * 32, "transfer_sha256": "cd" * 32})
    made = made_submission(outcome, submitter="Grace Hopper")
    page.goto(f"{address}?tab=submit")
    page.locator("#pasted textarea").fill(made.canonical())
    page.locator("#send").click()
    seen(page, "It is on the board now")
    assert store.raw(made.sha256()) == made.canonical().encode()
    page.goto(f"{address}?tab=runs&search=grace")
    seen(page, "1 run ·")
    seen(page, "falcon-7b")


def test_an_evil_submission_is_refused_and_shown_inert(page, address, store):
    before = store.board().state
    evil = made_submission(made_outcomes()[0]).canonical()
    evil = evil.replace("Ada Lovelace", "<img src=x onerror=alert(1)>${alert(2)}")
    page.goto(f"{address}?tab=submit")
    page.locator("#pasted textarea").fill(evil)
    page.locator("#send").click()
    seen(page, "Refused")
    seen(page, "$.submitter")
    page.wait_for_timeout(500)
    assert page.locator("img[src=x]").count() == 0
    assert page.errors == []
    assert store.board().state == before


def test_free_text_that_is_allowed_is_shown_inert(page, address, store):
    outcome = made_outcomes(models=("evil-7b",), sets=("limo",), seed=11)[0]
    predictors = tuple(one.model_copy(update={"summary": "<img src=x onerror=alert(3)>"}) for one in outcome.predictors)
    update = {"prediction_sha256": "12" * 32, "transfer_sha256": "34" * 32, "predictors": predictors}
    made = made_submission(outcome.model_copy(update=update))
    command = "<img src=x onerror=alert(4)> ${alert(5)} {{constructor.constructor('alert(6)')()}}"
    made = made.model_copy(update={"provenance": made.provenance.model_copy(update={"command": command})})
    receipt = store.submit(made.canonical().encode(), owner=OWNER)
    assert receipt.accepted
    page.wait_for_timeout(100)
    # The board's tables may be some seconds old; the page asks for the run itself.
    from sts_leaderboard import board_cache

    kept, board_cache.KEPT_SECONDS = board_cache.KEPT_SECONDS, -1.0
    page.goto(f"{address}?tab=run&run={receipt.sha256[:12]}")
    seen(page, "evil-7b on limo")
    page.wait_for_timeout(500)
    shown = page.locator("#run-command").inner_text()
    board_cache.KEPT_SECONDS = kept
    assert "<img src=x onerror=alert(4)>" in shown
    assert page.locator("img[src=x]").count() == 0
    assert page.errors == []


def test_dark_is_dark_and_its_figures_have_no_ground_of_their_own(page, address):
    page.goto(f"{address}?tab=explore&__theme=dark")
    seen(page, "pooled r")
    page.locator("#explore-figure .main-svg").first.wait_for()
    ground = page.locator(".gradio-container").first.evaluate("one => getComputedStyle(one).backgroundColor")
    assert max(map(int, re.findall(r"\d+", ground)[:3])) < 60
    figure = page.locator("#explore-figure .main-svg").first
    assert "rgba(0, 0, 0, 0)" in figure.evaluate("element => getComputedStyle(element).backgroundColor")


def test_the_named_endpoints_give_the_same_data(address, store):
    from gradio_client import Client

    client = Client(address, verbose=False)
    found = client.predict("measured", "qwen limo", 1, api_name="/runs")
    assert found["found"] == 1
    name = found["runs"][0]["sha256"]
    assert client.predict(name[:12], api_name="/run") == store.read(name).model_dump(mode="json")
