"""What visitors take away or leave: tables as files, an experiment file, the citation, a request."""

from pathlib import Path

import pandas as pd
import pytest
from helpers.browser import WAIT, seen

from sts_eval.experiment_file import read_experiment
from sts_eval.queue.queue import Queue
from sts_eval.store.scored import run_correlations
from sts_leaderboard.pages import explore, runs
from sts_leaderboard.points import of_seed, points_of
from sts_leaderboard.run_selection import matching_runs


def downloaded(page, label):
    with page.expect_download(timeout=WAIT) as saved:
        page.get_by_role("button", name=label, exact=True).locator("visible=true").first.click()
    return saved.value


def read_back(file, wanted):
    """A CSV file does not say which columns are words."""
    words = [name for name in wanted if not pd.api.types.is_numeric_dtype(wanted[name])]
    if file.suggested_filename.endswith(".csv"):
        return pd.read_csv(file.path(), dtype=dict.fromkeys(words, str))
    return pd.read_parquet(file.path())


def same(found, wanted):
    """Equal, where what a file cannot tell apart is one: missing values, tuples joined, whole numbers as floats."""
    assert list(found.columns) == list(wanted.columns)
    for name in wanted.columns:
        for one, other in zip(found[name], wanted[name], strict=True):
            plain = " ".join(map(str, other)) if isinstance(other, tuple) else other
            if pd.isna(plain) or plain == "":
                assert pd.isna(one) or one == "", name
            elif isinstance(plain, float):
                assert one == pytest.approx(plain, rel=1e-12), name
            else:
                assert str(one) == str(plain), name


def test_the_runs_that_are_shown_are_saved(page, address, store):
    board = store.board()
    every = board.runs.join(run_correlations(board, "sts_icl", "how_much", "accuracy"))
    wanted = runs.matching(every, {**runs.DEFAULTS, "search": "qwen"})
    page.goto(f"{address}?tab=runs&search=qwen")
    seen(page, "3 runs")
    for label in ("CSV", "Parquet"):
        file = downloaded(page, label)
        assert file.suggested_filename == f"runs.{label.lower()}"
        same(read_back(file, wanted), wanted)


def test_the_points_that_are_shown_are_saved(page, address, store):
    board = store.board()
    wanted = points_of(matching_runs(board.runs, {**explore.DEFAULTS, "model": ("qwen-7b",)}), board.points)
    wanted = of_seed(wanted, board.seed_changes, 1).drop(columns="home")
    assert len(wanted) == 27
    page.goto(f"{address}?tab=explore&model=qwen-7b&seed=1")
    seen(page, "Tuning seed 1 alone")
    for label in ("CSV", "Parquet"):
        file = downloaded(page, label)
        assert file.suggested_filename == f"points.{label.lower()}"
        same(read_back(file, wanted), wanted)


def test_no_cell_of_a_saved_file_is_a_formula(page, address, store, monkeypatch):
    from sts_leaderboard import board_cache

    board = store.board()
    name = board.runs.query("origin == 'published'")["sha256"].iloc[0]
    store.note("flagged", name, by="Ada", why='=HYPERLINK("http://x","y")')
    monkeypatch.setattr(board_cache, "KEPT_SECONDS", -1.0)  # tables that are older than no time at all are read anew
    page.goto(f"{address}?tab=runs&origin=published")
    seen(page, "1 run ·")
    text = Path(downloaded(page, "CSV").path()).read_text()
    assert """'=HYPERLINK(""http://x"",""y"")""" in text
    assert not any(line.startswith(("=", "+", "@")) or ",=" in line for line in text.splitlines())


def test_a_runs_experiment_file_is_saved_and_read_by_the_tool(page, address, store, tmp_path):
    name = store.board().runs.query("model == 'qwen-7b'")["sha256"].iloc[0]
    page.goto(f"{address}?tab=run&run={name[:12]}")
    seen(page, "What reproduces it")
    file = downloaded(page, "Experiment file (YAML)")
    assert file.suggested_filename == f"run-{name[:12]}.yaml"
    path = tmp_path / file.suggested_filename
    file.save_as(path)
    assert read_experiment(path).model.id == "org/qwen-7b"


def test_the_citation_is_copied_and_the_button_says_so(page, address):
    page.goto(f"{address}?tab=about")
    page.get_by_role("button", name="Copy citation").click()
    page.get_by_role("button", name="Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@software{sts_eval")
    assert "arXiv:2603.02908" in copied
    page.get_by_role("button", name="Copy citation").wait_for()
    seen(page, "Version 1")


def test_the_changelog_is_that_of_the_package(page, address):
    from sts_leaderboard.pages.about import changelog

    assert changelog().lstrip().startswith("#### ")
    page.goto(f"{address}?tab=about")
    page.get_by_text("Changelog", exact=True).click()
    seen(page, "Statistics of a report")


def test_a_run_is_asked_for_from_the_page(page, address, store):
    page.goto(f"{address}?tab=queue")
    seen(page, "Nobody has asked for a run")
    page.get_by_label("Model", exact=True).fill("just-a-name")
    page.get_by_label("Training set", exact=True).locator("visible=true").fill("org/set")
    page.locator("#ask").click()
    seen(page, "'just-a-name' is no model on the hub")
    assert Queue(store.files).entries() == ()
    page.get_by_label("Model", exact=True).fill("org/model")
    page.locator("#ask").click()
    seen(page, "Asked for")
    seen(page, "1 open request")
    page.locator("#ask").click()
    seen(page, "Somebody asked for it before")
    (entry,) = Queue(store.files).entries()
    assert (entry.request.model, entry.request.training_set, entry.request.by) == ("org/model", "org/set", "anonymous")
    assert page.errors == []
