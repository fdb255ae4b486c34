"""A prediction against a transfer: figures that follow by hand, and words that follow the figures."""

import json
import math

import numpy as np
import pytest
from helpers.records import LATE, prediction, transfer
from scipy import stats

from sts_eval.analysis.compare import compare_runs
from sts_eval.analysis.report import report_run
from sts_eval.analysis.runs import summarise
from sts_eval.errors import UserError
from sts_eval.records.report import Report
from sts_eval.reporting.files import write_report
from sts_eval.reporting.report import markdown, page

SCORES = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "f": 6.0, "g": 7.0, "h": 8.0, "i": 9.0}
# (gained, lost) of 100 questions: the change in points is gained - lost, and it rises with the score.
RISING = {name: (2 * int(value) + (3 if name in "be" else 0), 4) for name, value in SCORES.items()}


def single(report, predictor, question):
    return report.comparison.table(question, "accuracy").row(predictor).single


def test_changes_and_errors_follow_from_the_flips():
    report = report_run(prediction(SCORES), transfer(RISING))
    for row in report.rows:
        gained, lost = RISING[row.domain]
        assert row.delta == pytest.approx(gained - lost)
        assert row.se == pytest.approx(math.sqrt(gained + lost - (gained - lost) ** 2 / 100))
        assert row.n == 100


def test_the_correlation_is_scipys():
    report = report_run(prediction(SCORES), transfer(RISING))
    found = single(report, "sts_icl", "which_way")
    deltas = [gained - lost for gained, lost in RISING.values()]
    expected = stats.pearsonr(list(SCORES.values()), deltas)
    assert found.r == pytest.approx(expected.statistic)
    assert found.fisher == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.spearman == pytest.approx(stats.spearmanr(list(SCORES.values()), deltas).statistic)
    assert single(report, "sts_act", "which_way").r == pytest.approx(-expected.statistic)
    assert found.conclusion == "positive"


def test_the_magnitude_is_plain_and_the_paper_protocol_stands_beside_it():
    report = report_run(prediction(SCORES), transfer(RISING))
    found = single(report, "sts_icl", "how_much")
    deltas = np.array([gained - lost for gained, lost in RISING.values()])
    order = np.argsort(-np.abs(deltas), kind="stable")
    chosen = [*order[:4], *order[-4:]]
    expected = stats.pearsonr(np.array(list(SCORES.values()))[chosen], np.abs(deltas)[chosen]).statistic
    assert found.extremes == pytest.approx(expected)
    assert found.r == pytest.approx(stats.pearsonr(list(SCORES.values()), np.abs(deltas)).statistic)
    squares = deltas**2 - np.array([row.se for row in report.rows]) ** 2
    debiased = np.sign(squares) * np.sqrt(np.abs(squares))
    beside = single(report, "sts_icl", "how_much_debiased")
    assert beside.r == pytest.approx(stats.pearsonr(list(SCORES.values()), debiased).statistic)


def test_verdicts_need_two_errors():
    report = report_run(prediction(SCORES), transfer({**RISING, "a": (10, 9), "b": (0, 20), "c": (20, 0)}))
    verdicts = {row.domain: row.verdict for row in report.rows}
    assert (verdicts["a"], verdicts["b"], verdicts["c"]) == ("no clear change", "worse", "better")


def test_an_unclear_result_is_called_unclear():
    flat = {name: (5, 4 + index % 3) for index, name in enumerate(SCORES)}
    report = report_run(prediction(SCORES), transfer(flat))
    found = single(report, "sts_icl", "which_way")
    assert found.conclusion == "inconclusive"
    assert "The interval includes 0" in found.verdict


def test_a_prediction_that_came_late_is_refused_or_marked():
    other = prediction(SCORES, created=LATE)
    moved = transfer(RISING, after=prediction(SCORES))
    with pytest.raises(UserError, match=r"after another prediction than this one.*--post-hoc"):
        report_run(other, moved)
    report = report_run(other, moved, post_hoc=True)
    assert report.post_hoc
    assert report.warnings[0].startswith("POST HOC")
    assert "POST HOC" in markdown(report)
    assert "POST HOC" in page(report)


def test_the_right_prediction_is_not_marked():
    first = prediction(SCORES)
    assert not report_run(first, transfer(RISING, after=first)).post_hoc


def test_too_few_common_domains():
    with pytest.raises(UserError, match="2 domains in common"):
        report_run(prediction({"a": 1, "b": 2, "z": 3}), transfer(RISING))


def test_domains_that_were_not_measured_are_counted():
    report = report_run(prediction({**SCORES, "z": 1.0}), transfer(RISING))
    assert "1 predicted domains were not measured" in report.warnings


def test_other_predictors_are_judged_as_sts_is():
    made = prediction(SCORES)
    other = made.predictor("sts_icl").model_copy(update={"name": "other", "group": "lexical"})
    report = report_run(made.model_copy(update={"predictors": (*made.predictors, other)}), transfer(RISING))
    table = report.comparison.table("which_way", "accuracy")
    assert table.row("other").single == table.row("sts_icl").single
    assert table.row("other").from_reference.difference == 0
    text = markdown(report)
    assert text.index("| STS_ICL |") < text.index("| sts_icl |") < text.index("| other |")


def test_the_comparison_is_that_of_compare():
    made, happened = prediction(SCORES), transfer(RISING)
    outcome = summarise(made, happened, model="org", training_set="set")
    alone = compare_runs([outcome.model_copy(update={"model": "model"})])
    report = report_run(made, happened)
    assert report.comparison.tables == alone.tables


def test_a_report_of_an_earlier_version_is_read_and_asks_to_be_made_again(tmp_path):
    made, happened = prediction(SCORES), transfer(RISING)
    values = report_run(made, happened).model_dump(mode="json")
    del values["comparison"]
    (tmp_path / "report.json").write_text(json.dumps({**values, "schema_version": 1, "agreements": []}))
    report = Report.read(tmp_path / "report.json")
    assert (report.prediction_sha256, report.transfer_sha256) == (made.sha256(), happened.sha256())
    assert not report.post_hoc
    with pytest.raises(UserError, match=r"earlier version and compares no predictors. Make the report again"):
        markdown(report)


def test_files_are_whole_and_hold_no_markup_from_names(tmp_path):
    scores = {"<img src=x onerror=alert(1)>": 1.0, **SCORES}
    flips = {"<img src=x onerror=alert(1)>": (1, 1), **RISING}
    paths = write_report(report_run(prediction(scores), transfer(flips)), tmp_path)
    assert [path.name for path in paths] == ["report.json", "report.md", "report.html", "scatter.png"]
    text = (tmp_path / "report.html").read_text()
    assert "<img" not in text
    assert "<svg" in text
    assert "<script" not in text
    assert (tmp_path / "scatter.png").read_bytes().startswith(b"\x89PNG")


def with_options(record, k):
    """The same answers to questions with k options each."""
    tables = [table.model_copy(update={"n_options": (k,) * len(table.question_ids)}) for table in record.answers]
    return record.model_copy(update={"answers": tuple(tables)})


def test_lost_and_gained_questions_stand_beside_the_net_change():
    """Domain f: 12 gained and 4 lost of 100, and 38 wrong twice. With 4 options 38/3 of either is luck."""
    report = report_run(prediction(SCORES), with_options(transfer(RISING), 4))
    (row,) = [row for row in report.rows if row.domain == "f"]
    found = row.turnover
    assert (found.lost, found.gained, row.delta) == pytest.approx((4, 12, 8))
    assert found.known_lost == pytest.approx(4 / 3 * (4 - 38 / 3))
    assert found.known_gained == pytest.approx(4 / 3 * (12 - 38 / 3))
    assert found.known_gained - found.known_lost == pytest.approx(4 / 3 * row.delta)
    text = markdown(report)
    assert f"| f | +8.0 ± 3.9 | 4.0 | 12.0 | {found.known_lost:.1f} ± {found.known_lost_se:.1f} |" in text
    assert "Guessing taken off" in text
    assert "Guessing is not taken off" not in text
    assert Report.from_json(report.canonical()).rows == report.rows


def test_guessing_is_not_taken_off_where_the_options_are_unknown():
    report = report_run(prediction(SCORES), transfer(RISING))
    assert {row.turnover.known_lost for row in report.rows} == {None}
    assert "| f | +8.0 ± 3.9 | 4.0 | 12.0 | – | – |" in markdown(report)
    assert "Guessing is not taken off where the record does not hold the number of options" in markdown(report)
    older = report.model_copy(update={"rows": tuple(r.model_copy(update={"turnover": None}) for r in report.rows)})
    assert "Questions lost" not in markdown(older)
