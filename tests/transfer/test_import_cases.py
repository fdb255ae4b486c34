"""The collected results of evaluations as people have them: each is read in full, or refused in one line."""

from pathlib import Path

import pytest

from sts_eval.errors import UserError
from sts_eval.transfer.import_results import import_transfer

CASES = Path(__file__).parents[1] / "cases" / "import"

USUAL = ("wrrwrr", "rrwrrw")
"""Verdicts of most cases in both of their domains, before and after."""


def lm_eval(name, **options):
    return import_transfer("lm-eval", [CASES / name / "before", CASES / name / "after"], **options)


def official(name):
    sides = [CASES / name / side for side in ("before", "after")]
    return import_transfer("mmlu-pro", [side if side.is_dir() else side.with_suffix(".json") for side in sides])


def verdicts(record):
    """Per domain, before and after."""
    return {table.domain: (table.before.verdicts, table.after[0].verdicts) for table in record.answers}


@pytest.mark.parametrize("name", ["lm_eval_json_list", "lm_eval_040", "lm_eval_blank_line"])
def test_samples_in_other_layouts(name):
    assert verdicts(lm_eval(name)) == {"law": USUAL, "math": USUAL}


def test_the_old_layout_names_its_models():
    record = lm_eval("lm_eval_040")
    assert (record.model_before, record.model_after) == ("org/before", "org/after")


def test_sample_files_as_paths():
    paths = [next((CASES / "lm_eval_file_path" / name).iterdir()) for name in ("before_samples", "after_samples")]
    record = import_transfer("lm-eval", paths)
    assert verdicts(record) == {"law": USUAL, "math": USUAL}
    assert (record.model_before, record.model_after) == ("before_samples", "after_samples")


def test_two_filters_want_a_choice():
    with pytest.raises(
        UserError, match=r"several filters \(flexible-extract, strict-match\)\. Choose one with --filter"
    ):
        lm_eval("lm_eval_two_filters")
    assert verdicts(lm_eval("lm_eval_two_filters", filter_name="strict-match"))["law"] == USUAL


def test_letters_as_targets_keep_log_probabilities():
    record = lm_eval("lm_eval_letter_target")
    assert verdicts(record) == {"law": USUAL, "math": USUAL}
    # Softmax over -1.5, -0.5, -2.5, -3: the right option is the first, and the second in questions answered right.
    assert record.answers[0].before.logprob[:2] == pytest.approx((-1.460773, -0.460773))


def test_acc_norm_where_it_is_all_there_is():
    record = lm_eval("lm_eval_acc_norm")
    assert verdicts(record) == {"law": USUAL, "math": USUAL}
    assert record.warnings == (
        "leaderboard_gpqa_main: acc_norm says which answers are right, since there is no exact_match or acc",
    )


def test_log_probabilities_that_are_no_numbers():
    record = lm_eval("lm_eval_nan")
    assert verdicts(record)["math"] == ("wrrwrr", "rrwwrw")
    law, math = record.answers
    assert law.before.logprob is not None
    assert math.after[0].logprob is None
    assert "log-probabilities that are no finite number (nan or -inf): 1, so" in record.warnings[0]
    assert "left out for math" in record.warnings[0]


def test_one_models_answers_on_both_sides():
    record = lm_eval("lm_eval_identical_sides")
    assert verdicts(record)["law"] == ("wrrwrr", "wrrwrr")
    assert "the text of every answer is the same before and after" in record.warnings[0]
    assert not lm_eval("lm_eval_json_list").warnings


def test_summaries_beside_results_of_the_script():
    assert verdicts(official("official_api_folder")) == {"law": USUAL, "math": USUAL}


@pytest.mark.parametrize("below", ["", "CoT/all"])
def test_folders_of_the_local_script_name_the_models(below):
    folder = CASES / "official_local_folder"
    record = import_transfer("mmlu-pro", [folder / "before-model" / below, folder / "after-model" / below])
    assert (record.model_before, record.model_after) == ("before-model", "after-model")
    assert verdicts(record) == {"law": USUAL, "math": USUAL}


def test_an_empty_prediction_is_unparsed():
    assert verdicts(official("official_empty_pred"))["math"] == ("wruurr", "rruurw")


def test_a_changed_key_costs_its_question():
    record = official("official_changed_key")
    assert record.domain("math").n == 23
    assert record.warnings == (
        "1 of 24 questions are not the same before and after: question 1005 of math has the right answer 'A' before "
        "and 'B' after. They were left out",
    )


def test_many_other_questions_under_the_same_ids():
    with pytest.raises(UserError) as refused:
        official("official_other_options")
    assert refused.value.problem == (
        "2 of 12 questions are not the same before and after: question 1001 of math has other options after than "
        "before; question 1004 of math has another text after than before"
    )


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("table_int_index.jsonl", ("rwrwrwrwrw", "wrrwrrwrrw")),
        ("table_case_space.csv", ("wrwrwrwrwrwr", "rrrrrrrrrrrr")),
        ("table_semicolon.csv", ("rrrrrrrrrrrr", "wwwwwwwwwwww")),
    ],
)
def test_tables(name, right):
    assert verdicts(import_transfer("table", [CASES / name]))["math"] == right
