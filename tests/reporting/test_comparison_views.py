"""A comparison as JSON, CSV, Markdown, terminal and plots."""

import csv
import io
import json

import numpy as np
import pytest
from helpers.outcomes import cost, outcomes, planted
from rich.console import Console

from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.compare import compare_runs
from sts_eval.api.results import ComparisonResult
from sts_eval.records.comparison import Comparison
from sts_eval.reporting.comparison import LINES, headline, markdown, print_comparison
from sts_eval.reporting.files import COMPARISON_FILES, tidy, write_comparison
from sts_eval.reporting.plots import forest, panels

HOSTILE = "=HYPERLINK(1)|[red]<b>$x$"


@pytest.fixture(scope="module")
def made():
    y, noise = planted(n_models=3, n_sets=3, n_domains=8)
    rng = np.random.default_rng(0)
    scores = {"sts_icl": y + 4 * noise, "sts_act": noise, HOSTILE: y + noise, "-minus": rng.normal(size=y.shape)}
    scores |= {f"more_{number}": rng.normal(size=y.shape) for number in range(LINES + 2)}
    scores["more_0"][0] = np.nan
    scores["more_1"][0, 0] = np.nan
    runs = outcomes(
        y, scores, models=list("abc"), sets=["u", "v", "w|w"], costs={HOSTILE: cost(1.25, 0)}, home={"u": ("d0",)}
    )
    return compare_runs(runs, n_resamples=100), align(runs)


def printed(record, **options):
    console = Console(file=io.StringIO(), width=110)
    print_comparison(record, console, **options)
    return console.file.getvalue()


def test_the_first_table_keeps_both_ends_of_every_interval(made):
    record, _ = made
    first = printed(record).partition("•")[0]
    assert "…" not in first
    header, rows = headline(record, "accuracy")
    for row in rows:
        if row[0] in ("sts_icl", "sts_act"):
            (line,) = [one for one in first.splitlines() if one.split()[:1] == [row[0]]]
            assert line.count("]") == sum("[" in cell for cell in row)
    assert "over other sets" in header


def test_the_record_comes_back_as_it_was(made, tmp_path):
    record, _ = made
    record.write(tmp_path / "comparison.json")
    back = Comparison.read(tmp_path / "comparison.json")
    assert back == record
    assert back.sha256() == record.sha256()


@pytest.mark.parametrize("version", [1, 2])
def test_a_comparison_of_an_earlier_version_is_read(made, version):
    record, _ = made
    values = record.model_dump(mode="json") | {"schema_version": version}
    values["tables"] = [one for one in values["tables"] if one["question"] != "how_much_debiased"]
    for table in values["tables"]:
        for row in table["rows"]:
            if version == 1:
                del row["single"]
    for table in values["added"]:
        for row in table["rows"]:
            row |= {"p_likelihood": 0.1, "q_likelihood": None}
    text = json.dumps(values)
    back = Comparison.from_json(text)
    assert back.of_earlier_schema
    assert json.loads(back.canonical()) == json.loads(text)
    assert back.table("how_much", "accuracy") is None  # before schema 3 the noise's share was taken off
    rows = [table.rows for table in record.tables if table.question == "how_much"]
    assert [table.rows for table in back.tables if table.question == "how_much_debiased"] == rows
    assert "In short" in printed(back)


def test_the_table_has_one_row_per_question_measure_and_predictor(made):
    record, _ = made
    rows = list(csv.DictReader(io.StringIO(tidy(record))))
    keys = [(row["question"], row["measure"], row["predictor"]) for row in rows]
    assert len(keys) == len(set(keys)) == sum(len(table.rows) for table in record.tables)
    row = next(
        row
        for row in rows
        if (row["question"], row["measure"], row["predictor"]) == ("which_way", "accuracy", "sts_icl")
    )
    expected = record.table("which_way", "accuracy").row("sts_icl")
    assert float(row["r"]) == expected.r
    assert (float(row["bootstrap_low"]), float(row["bootstrap_high"])) == expected.bootstrap
    added = next(table for table in record.added if (table.question, table.measure) == ("which_way", "accuracy"))
    assert float(row["beyond_history_all_partial_r"]) == added.row("sts_icl").partial_r
    assert row["from_reference"] == ""


def test_no_name_is_a_formula_in_a_spreadsheet(made):
    record, _ = made
    rows = list(csv.DictReader(io.StringIO(tidy(record))))
    names = {row["predictor"] for row in rows}
    assert {f"'{HOSTILE}", "'-minus", "sts_icl"} <= names
    assert not any(name.startswith(("=", "-", "+", "@")) for name in names)
    negative = [row["r"] for row in rows if row["r"].startswith("-")]
    assert negative  # numbers stay numbers
    assert all(float(value) < 0 for value in negative)


def test_markdown_cells_stay_cells(made):
    record, _ = made
    text = markdown(record)
    assert "=HYPERLINK(1)\\|[red]&lt;b>$x$" in text
    assert "a on w\\|w" in text
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            assert len({row.replace("\\|", "").count("|") for row in block}) == 1
            block = []
    rows = [line for line in text.splitlines() if line.startswith("|")]
    n_added = sum(len(table.rows) for table in record.added)
    n_tables = len(record.added) + len(record.tables)
    short = [headline(record, measure)[1] for measure in ("accuracy", "logprob")]
    shown = n_added + sum(len(table.rows) for table in record.tables) + sum(map(len, short))
    assert len(rows) == shown + 2 * (n_tables + len(short))


def test_the_terminal_shows_the_leading_rows_and_all_on_demand(made):
    record, _ = made
    short, long = printed(record), printed(record, everything=True)
    assert "more" in short
    assert "log-probability):" not in short
    assert "log-probability):" in long
    assert len(long.splitlines()) > 2 * len(short.splitlines())
    for text in (short, long):
        assert "sts_icl" in text
        assert "history_all" in text
        assert all(word in text for word in record.verdict[0].split())
    assert HOSTILE in long
    for name in record.domains and [row.name for row in record.tables[0].rows]:
        assert name in long


def test_a_predictor_that_lacks_runs_or_points_is_marked(made):
    record, _ = made
    text = markdown(record)
    assert "more_0 (8 of 9 runs)" in text
    assert "more_1 (71 of 72 points)" in text


def test_files_are_whole_and_nothing_else_is_left(made, tmp_path):
    record, matrix = made
    paths = write_comparison(record, matrix, tmp_path / "new" / "out")
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == sorted(COMPARISON_FILES)
    assert [path.name for path in paths] == list(COMPARISON_FILES)
    for path in paths[3:]:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 10_000


def test_one_run_can_be_drawn_too(tmp_path):
    y, noise = planted(n_models=1, n_sets=1)
    runs = outcomes(y, {"sts_icl": y + noise}, models=["a"], sets=["u"])
    record = compare_runs(runs, n_resamples=100)
    paths = write_comparison(record, align(runs), tmp_path)
    assert all(path.is_file() for path in paths)
    assert "Fisher" in markdown(record)
    assert "Williams p" in markdown(record)


def test_plots_are_by_the_measure_that_is_asked_for(made):
    record, runs = made
    for measure, name, unit in (("accuracy", "accuracy", "points"), ("logprob", "log-probability", "nats")):
        assert f"change in {name} (" in forest(record, measure).get_suptitle()
        drawn = panels(record, runs, measure)
        assert drawn.get_supylabel() == f"change in {name}, {unit} ± SE"
        heights = drawn.axes[0].containers[0].lines[0].get_ydata()
        np.testing.assert_array_equal(heights, runs.measures[measure].change[0])
    with pytest.raises(LookupError, match="acc_norm"):
        ComparisonResult(record).plot("acc_norm")
