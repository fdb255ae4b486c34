"""Answers as rows, of the MMLU-Pro script and of tables: how they are written, and rows that cannot be used."""

import json

import pandas as pd
import pytest
from helpers.samples import only

from sts_eval.errors import UserError
from sts_eval.transfer.import_results import import_transfer


def script_rows(n=40, pred="A", **fields):
    rows = [
        {"question_id": i, "category": "law", "question": f"Q{i}?", "options": ["x", "y"], "answer": "A", "pred": pred}
        for i in range(n)
    ]
    return [row | {"model_outputs": f"({pred})"} | fields for row in rows]


def script(tmp_path, after, before=None, name="law.json"):
    paths = []
    for side, rows in (("base", before or script_rows(pred="B")), ("tuned", after)):
        paths.append(tmp_path / side)
        paths[-1].mkdir(exist_ok=True)
        (paths[-1] / name).write_text(json.dumps(rows))
    return import_transfer("mmlu-pro", paths)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": "B"}, "question 0 of law has the right answer 'A' before and 'B' after"),
        ({"options": ["x", "z"]}, "question 0 of law has other options after than before"),
        ({"question": "Another?"}, "question 0 of law has another text after than before"),
    ],
)
def test_up_to_a_tenth_of_changed_questions(tmp_path, change, said):
    rows = script_rows()
    record = script(tmp_path, [row | change for row in rows[:4]] + rows[4:])
    assert record.domains[0].n == 36
    assert record.warnings[0].startswith(f"4 of 40 questions are not the same before and after: {said}; ")
    assert "question 2 of law" in record.warnings[0]
    assert "question 3 of law" not in record.warnings[0]
    with pytest.raises(UserError, match="5 of 40 questions are not the same before and after"):
        script(tmp_path, [row | change for row in rows[:5]] + rows[5:])


def test_what_is_not_a_change(tmp_path):
    """Spaces, "N/A" options, which one version of the script drops, and options that one side does not tell."""
    rows = script_rows()
    rows[0] |= {"question": " Q0? ", "options": ["x ", "y", "N/A"], "answer": " a"}
    del rows[1]["options"]
    assert script(tmp_path, rows).domains[0].n == 40


@pytest.mark.parametrize("pred", ["", " ", None, "None", "The answer is A"])
def test_predictions_without_a_letter(tmp_path, pred):
    rows = script_rows()
    rows[0]["pred"] = pred
    assert only(script(tmp_path, rows))[1].verdicts == "u" + "r" * 39


@pytest.mark.parametrize("pred", ["A", "a", " A ", "(A)", "A.", "A)"])
def test_predictions_that_are_the_letter(tmp_path, pred):
    assert only(script(tmp_path, script_rows(pred=pred)))[1].verdicts == "r" * 40


def test_a_few_rows_that_cannot_be_used(tmp_path):
    rows = script_rows(39)
    record = script(tmp_path, [*rows, {"question_id": 39, "pred": "A"}])
    assert record.domains[0].n == 39
    assert "left out 1 of 40 rows (40) without id, category or answer" in "".join(record.warnings)
    record = script(tmp_path, [*rows, script_rows(40)[39], rows[5] | {"pred": "C"}, rows[6]])
    assert record.domains[0].n == 39
    assert "2 questions occur more than once after, such as 5 of law; 1 of them have different" in record.warnings[0]


def test_folders_of_several_models(tmp_path):
    script(tmp_path, script_rows())
    with pytest.raises(UserError, match=r"holds results in several folders \(base, tuned\)\. Give one of them"):
        import_transfer("mmlu-pro", [tmp_path, tmp_path])


def table(tmp_path, name="answers.csv", **columns):
    n = len(columns["answer"])
    frame = pd.DataFrame({"question_id": range(n), "category": "law"} | columns)
    path = tmp_path / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif ".jsonl" in name:
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    return only(import_transfer("table", [path]))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet", "a.csv.zip"])
@pytest.mark.parametrize(
    ("answer", "pred_before", "pred_after"),
    [
        ([1, 2, 3, 1], [1, 3, 3, None], [1, 2, 2, 1]),
        (["A", "B", "C", "A"], ["a", "D", " C", None], ["(A)", "B.", "D", "A "]),
        ([True, False, True, True], [True, True, True, None], [True, False, False, True]),
        ([1, 0, 1, 1], [True, True, True, None], [True, False, False, True]),
        (["yes", "no", "yes", "yes"], ["yes", "yes", "yes ", None], ["yes", "no", "no", "yes"]),
    ],
)
def test_ways_to_write_answers(tmp_path, name, answer, pred_before, pred_after):
    before, after = table(tmp_path, name, answer=answer, pred_before=pred_before, pred_after=pred_after)
    assert (before.verdicts, after.verdicts) == ("rwru", "rrwr")


def test_headers_in_any_case(tmp_path):
    (tmp_path / "a.csv").write_text("\ufeffQuestion_ID;CATEGORY;Answer; Pred_Before ;pred after\n1;law;A;A;B\n")
    before, after = only(import_transfer("table", [tmp_path / "a.csv"]))
    assert (before.verdicts, after.verdicts) == ("r", "w")


def test_answers_in_another_way_than_the_right_ones(tmp_path):
    with pytest.raises(UserError, match="right answers are letters such as 'A', and no answer in pred_before is one"):
        table(tmp_path, answer=["A", "B"], pred_before=[0, 1], pred_after=["A", "B"])
    with pytest.raises(UserError, match="right answers are numbers such as '1', and no answer in pred_after is one"):
        table(tmp_path, answer=[1, 2], pred_before=[0, 1], pred_after=["A", "B"])


def test_texts_are_compared_as_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "question_id,category,answer,pred_before,pred_after\n1,geo,Paris,paris,Paris\n2,geo,Rome,Rome,Oslo\n"
    )
    record = import_transfer("table", [path])
    assert [replies.verdicts for replies in only(record)] == ["wr", "rw"]
    assert "1 answers in pred_before differ from the right one in upper and lower case alone" in record.warnings[0]


def test_a_table_in_parts(tmp_path):
    (tmp_path / "base__tuned").mkdir()
    for part, letter in enumerate("AB"):
        row = {"question_id": part, "category": "law", "answer": "A", "pred_before": letter, "pred_after": "A"}
        pd.DataFrame([row]).to_parquet(tmp_path / "base__tuned" / f"part-{part}.parquet")
    record = import_transfer("table", [tmp_path / "base__tuned"])
    assert [replies.verdicts for replies in only(record)] == ["rw", "rr"]
    assert (record.model_before, record.model_after, len(record.origin.sources_sha256)) == ("base", "tuned", 2)


def test_hidden_files_and_logs_are_passed_over(tmp_path):
    script(tmp_path, script_rows())
    for side in ("base", "tuned"):
        (tmp_path / side / ".ipynb_checkpoints").mkdir()
        (tmp_path / side / ".ipynb_checkpoints" / "law-checkpoint.json").write_text("[]")
        (tmp_path / side / "summary.json").write_text('{"total": {"acc": 1}}')
        (tmp_path / side / "run.log").write_text("done")
    record = import_transfer("mmlu-pro", [tmp_path / "base", tmp_path / "tuned"])
    assert record.domains[0].n == 40


def test_a_model_that_hardly_answered(tmp_path):
    """A single answer, and that not a letter, does not say that the file is written in another way."""
    record = script(tmp_path, [*script_rows(pred=None)[:-1], script_rows(pred="Hm.")[-1]])
    assert only(record)[1].verdicts == "u" * 40
    assert "40 of 40 answers could not be parsed and count as wrong" in "".join(record.warnings)


def verdicts(tmp_path, answer, pred):
    return table(tmp_path, "a.jsonl", answer=answer, pred_before=pred, pred_after=answer)[0].verdicts


def test_numbers_are_compared_by_value(tmp_path):
    answer = ["18", "2.5", "1,000", "1000", "-3", "0.00001", "7"]
    assert verdicts(tmp_path, answer, ["18.0", "2.50", "1000", "1,000", "-3.0", "1e-05", "7.5"]) == "rrrrrrw"


def test_each_answer_is_compared_as_its_right_answer_is_written(tmp_path):
    """One right answer of two letters, or a text, leaves the comparison of the others as it is."""
    assert verdicts(tmp_path, ["A", "B", "AB", "18"], ["a.", "(B)", "AB", "18.0"]) == "rrrr"
    assert verdicts(tmp_path, ["A", "B", "AB", "2"], ["AB", "C", "A B", "two"]) == "wwww"
    assert verdicts(tmp_path, ["New  York", "Rome"], ["New York", "rome"]) == "rw"


def test_a_few_texts_among_right_answers_do_not_make_words_answers(tmp_path):
    letters = ["AB", *"ABCDABCDA"]
    assert verdicts(tmp_path, letters, ["ab c", "AB", "None", *"CDABCDA"]) == "wwu" + "r" * 7
    with pytest.raises(UserError, match="the right answers are letters such as 'A', and no answer in pred_before is"):
        verdicts(tmp_path, letters, ["AB", *range(9)])


def test_minus_one_is_no_answer(tmp_path):
    assert verdicts(tmp_path, [0, 1, 2], [-1, 1, 3]) == "urw"
    assert verdicts(tmp_path, ["A", "B"], [-1, -1]) == "uu"
    assert verdicts(tmp_path, [-1, 1, -2], [-1, -1, 3]) == "rww"


def test_names_of_domains_that_differ_in_case_and_spaces(tmp_path):
    before, after = ([row | {"category": name} for row in script_rows(4)] for name in ("law", "Law "))
    before[3]["category"] = "LAW"
    record = script(tmp_path, after, before)
    assert [(domain.domain, domain.n) for domain in record.domains] == [("law", 4)]
    assert "domain 'law' is also written 'LAW', 'Law'; they are one" in record.warnings
