"""The printed prediction: how many demonstrations were seen, and how far the robust variants agree."""

import io

from helpers.records import prediction, transfer
from rich.console import Console

from sts_eval.analysis.report import report_run
from sts_eval.records.prediction import Score
from sts_eval.reporting.prediction import print_prediction, robust_agreement
from sts_eval.reporting.report import in_short


def printed(made):
    console = Console(file=io.StringIO(), width=140)
    print_prediction(made, "sts_icl", console)
    return console.file.getvalue()


def with_seen(*seen):
    made = prediction({"math": 3.0, "law": 2.0, "art": 1.0})
    domains = tuple(one.model_copy(update={"seen": own}) for one, own in zip(made.domains, seen, strict=True))
    return made.model_copy(update={"domains": domains})


def test_the_column_of_demonstrations_stands_only_where_some_were_cut():
    full = (0, 0, 0, 0, 0, 4)
    assert "shown (of" not in printed(with_seen(full, full, full))
    text = printed(with_seen(full, (0, 1, 0, 3, 0, 0), (0, 0, 2)))
    assert "shown (of 5)" in text
    cells = {row.split("│")[2].strip(): row.split("│")[-2].strip() for row in text.splitlines() if row.startswith("│")}
    assert {name: cells[name] for name in ("math", "law", "art")} == {"math": "5", "law": "2.5 (1–3)", "art": "2"}


def test_an_older_record_says_nothing_of_demonstrations_and_robust_variants():
    text = printed(with_seen((), (), ()))
    assert "shown (of" not in text
    assert "robust" not in text


def test_the_rank_correlation_with_the_robust_variant():
    made = prediction({"math": 3.0, "law": 2.0, "art": 1.0})
    icl, act = (made.predictor(name) for name in ("sts_icl", "sts_act"))
    turned = {name: Score(value=-score.value) for name, score in icl.scores.items()}
    robust = (
        icl.model_copy(update={"name": "sts_icl_robust", "scores": turned}),
        act.model_copy(update={"name": "sts_act_robust"}),
    )
    text = robust_agreement(made.model_copy(update={"predictors": (*made.predictors, *robust)}))
    assert text.endswith("STS_ICL -1.00, STS_act +1.00.")


def ranks(*values):
    text = printed(prediction(dict(zip(("math", "law", "art", "tax"), values, strict=True))))
    table = text[: text.index("Why:")]
    return [row.split("│")[1].strip() for row in table.splitlines() if row.startswith("│")], table


def test_equal_scores_share_a_rank_and_a_constant_one_has_none():
    assert ranks(4.0, 3.0, 2.0, 1.0)[0] == ["1", "2", "3", "4"]
    assert ranks(4.0, 3.0, 3.0, 1.0)[0] == ["1", "2=", "2=", "4"]
    assert ranks(2.0, 2.0, 2.0, 2.0)[0] == ["–"] * 4
    said = "STS_ICL is the same in all domains, so none is ranked before another."
    assert said in ranks(2.0, 2.0, 2.0, 2.0)[1]
    assert said not in ranks(2.0, 2.0, 2.0, 1.0)[1]


def test_a_report_on_a_constant_score_names_no_domain_as_the_first():
    made = prediction({"math": 2.0, "law": 2.0, "art": 2.0})
    report = report_run(made, transfer({"math": (0, 8), "law": (0, 6), "art": (9, 0)}, after=made))
    assert in_short(report, report.compared())[0] == (
        "Predicted by STS_ICL: the same of all domains, so none is ranked before another."
    )


def expected_by(*values):
    made = prediction({"math": 3.0, "law": 2.0, "art": 1.0, "tax": 0.5})
    scores = {domain.domain: Score(value=value) for domain, value in zip(made.domains, values, strict=True)}
    other = made.predictor("sts_icl").model_copy(update={"name": "ngram_share", "group": "lexical", "scores": scores})
    text = printed(made.model_copy(update={"predictors": (*made.predictors, other)}))
    (row,) = (line for line in text.splitlines() if line.startswith("│ ngram_share"))
    return [cell.strip() for cell in row.split("│")[3:5]]


def test_equal_scores_are_no_preference():
    assert expected_by(0.0, 0.0, 0.0, 0.0) == ["the same in all domains", "–"]
    assert expected_by(4.0, 3.0, 2.0, 1.0) == ["math, law", "art, tax"]
    assert expected_by(1.0, 1.0, 0.0, 0.0) == ["math, law", "art, tax"]
    assert expected_by(1.0, 0.0, 0.0, 0.0) == ["math, 3 alike", "3 alike"]
    assert expected_by(1.0, 1.0, 1.0, 0.0) == ["3 alike", "tax, 3 alike"]
