"""A prediction against a transfer: figures that follow by hand, and words that follow the figures."""

import math

import numpy as np
import pytest
from helpers.records import LATE, prediction, transfer
from scipy import stats

from sts_eval.analysis.report import report_run
from sts_eval.errors import UserError
from sts_eval.report.report import markdown, page, write_report

SCORES = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "f": 6.0, "g": 7.0, "h": 8.0, "i": 9.0}
# (gained, lost) of 100 questions: the change in points is gained - lost, and it rises with the score.
RISING = {name: (2 * int(value) + (3 if name in "be" else 0), 4) for name, value in SCORES.items()}


def test_changes_and_errors_follow_from_the_flips():
    report = report_run(prediction(SCORES), transfer(RISING))
    for row in report.rows:
        gained, lost = RISING[row.domain]
        assert row.delta == pytest.approx(gained - lost)
        assert row.se == pytest.approx(math.sqrt(gained + lost - (gained - lost) ** 2 / 100))
        assert row.n == 100


def test_agreement_is_scipys():
    report = report_run(prediction(SCORES), transfer(RISING))
    agreement = report.agreement("sts_icl", "delta")
    deltas = [gained - lost for gained, lost in RISING.values()]
    expected = stats.pearsonr(list(SCORES.values()), deltas)
    assert agreement.pearson == pytest.approx(expected.statistic)
    assert agreement.fisher == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert agreement.spearman == pytest.approx(stats.spearmanr(list(SCORES.values()), deltas).statistic)
    assert report.agreement("sts_act", "delta").pearson == pytest.approx(-expected.statistic)
    assert agreement.conclusion == "positive"


def test_the_magnitude_is_debiased_and_the_paper_protocol_stands_beside_it():
    report = report_run(prediction(SCORES), transfer(RISING))
    agreement = report.agreement("sts_icl", "magnitude")
    deltas = np.array([gained - lost for gained, lost in RISING.values()])
    order = np.argsort(-np.abs(deltas), kind="stable")
    chosen = [*order[:4], *order[-4:]]
    expected = stats.pearsonr(np.array(list(SCORES.values()))[chosen], np.abs(deltas)[chosen]).statistic
    assert agreement.extremes == pytest.approx(expected)
    squares = deltas**2 - np.array([row.se for row in report.rows]) ** 2
    debiased = np.sign(squares) * np.sqrt(np.abs(squares))
    assert agreement.pearson == pytest.approx(stats.pearsonr(list(SCORES.values()), debiased).statistic)


def test_verdicts_need_two_errors():
    report = report_run(prediction(SCORES), transfer({**RISING, "a": (10, 9), "b": (0, 20), "c": (20, 0)}))
    verdicts = {row.domain: row.verdict for row in report.rows}
    assert (verdicts["a"], verdicts["b"], verdicts["c"]) == ("no clear change", "worse", "better")


def test_an_unclear_result_is_called_unclear():
    flat = {name: (5, 4 + index % 3) for index, name in enumerate(SCORES)}
    report = report_run(prediction(SCORES), transfer(flat))
    agreement = report.agreement("sts_icl", "delta")
    assert agreement.conclusion == "inconclusive"
    assert "The interval includes 0" in agreement.verdict


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
