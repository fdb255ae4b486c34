"""Training sets in the formats that people have: what becomes question and solution, and what is said about it."""

import json
import re

import datasets
import pandas as pd
import pytest
from helpers import tiny

from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec

ASK = {"role": "user", "content": "What is 2 + 2?"}
ANSWER = {"role": "assistant", "content": "4"}
SYSTEM = {"role": "system", "content": "Be brief."}


def load(path, rows, **spec):
    return load_training_set(TrainingSetSpec(source=str(tiny.write_jsonl(path / "set.jsonl", rows)), **spec))


CALL = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 2}'}}

ROWS = {
    "usual names": ({"problem": "q", "solution": "s", "answer": "a"}, ("q", "s")),
    "names in capitals": ({"Question": "q", "Response": "s"}, ("q", "s")),
    "GSM8K": ({"question": "q", "answer": "4 + 4 = <<4+4=8>>8\n#### 8"}, ("q", "4 + 4 = <<4+4=8>>8\n#### 8")),
    "FLAN": ({"inputs": "q", "targets": "s"}, ("q", "s")),
    "text and answer": ({"text": "q", "answer": 7}, ("q", "7")),
    "whole number": ({"problem": "q", "answer": 10**30}, ("q", "1" + "0" * 30)),
    "truth value": ({"question": "q", "answer": True}, ("q", "True")),
    "Alpaca": ({"instruction": "Sort.", "input": "2 1", "output": "1 2"}, ("Sort.\n\n2 1", "1 2")),
    "Alpaca without input": ({"instruction": "Go.", "input": "", "output": "Gone."}, ("Go.", "Gone.")),
    "Alpaca's mark of no input": ({"instruction": "Go.", "input": "<noinput>", "output": "Gone."}, ("Go.", "Gone.")),
    "input that is null": ({"instruction": "Go.", "input": None, "output": "Gone."}, ("Go.", "Gone.")),
    "Dolly": (
        {"instruction": "Who?", "context": "Ada wrote it.", "response": "Ada", "category": "closed_qa"},
        ("Who?\n\nAda wrote it.", "Ada"),
    ),
    "question and context": ({"question": "Who?", "context": "Ada.", "answer": "Ada"}, ("Who?\n\nAda.", "Ada")),
    "OpenOrca": ({"id": "1", "system_prompt": "Be brief.", "question": "q", "response": "s"}, ("Be brief.\n\nq", "s")),
    "LLaMA-Factory": (
        {"instruction": "c", "input": "", "output": "d", "system": "S", "history": [["a", "b"]]},
        ("S\n\nUser: a\n\nAssistant: b\n\nUser: c", "d"),
    ),
    "OpenAI": ({"messages": [ASK, ANSWER]}, ("What is 2 + 2?", "4")),
    "OpenAI with a system text": ({"messages": [SYSTEM, ASK, ANSWER]}, ("Be brief.\n\nWhat is 2 + 2?", "4")),
    "several turns": (
        {
            "messages": [
                SYSTEM,
                ASK,
                ANSWER,
                {"role": "user", "content": "And 3?"},
                {"role": "assistant", "content": "5"},
            ]
        },
        ("Be brief.\n\nUser: What is 2 + 2?\n\nAssistant: 4\n\nUser: And 3?", "5"),
    ),
    "a turn after the last answer": (
        {"messages": [ASK, ANSWER, {"role": "user", "content": "Thanks"}]},
        (ASK["content"], "4"),
    ),
    "an answer of weight 0": (
        {"messages": [ASK, ANSWER, {"role": "user", "content": "?"}, {**ANSWER, "weight": 0}]},
        ("What is 2 + 2?", "4"),
    ),
    "parts of text": ({"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, ANSWER]}, ("q", "4")),
    "reasoning apart": (
        {"messages": [ASK, {**ANSWER, "reasoning_content": "Two and two."}]},
        ("What is 2 + 2?", "<think>\nTwo and two.\n</think>\n\n4"),
    ),
    "tools": (
        {
            "messages": [
                ASK,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "name": "add", "content": "4"},
                {"role": "assistant", "content": "It is 4."},
            ],
            "tools": [{"type": "function"}],
        },
        (
            'Tools: [{"type": "function"}]\n\nUser: What is 2 + 2?\n\nAssistant: add({"a": 2, "b": 2})\n\nTool add: 4',
            "It is 4.",
        ),
    ),
    "a call as the answer": (
        {"messages": [ASK, {"role": "assistant", "tool_calls": [CALL]}]},
        ("What is 2 + 2?", 'add({"a": 2, "b": 2})'),
    ),
    "messages as JSON text": ({"messages": json.dumps([ASK, ANSWER])}, ("What is 2 + 2?", "4")),
    "messages as an object of lists": (
        {"messages": {"role": ["user", "assistant"], "content": ["What is 2 + 2?", "4"]}},
        ("What is 2 + 2?", "4"),
    ),
    "roles in capitals": (
        {"messages": [{**ASK, "role": "USER"}, {**ANSWER, "role": "Assistant"}]},
        (ASK["content"], "4"),
    ),
    "instruction in the input": ({"instruction": "", "input": "Sort 2 1.", "output": "1 2"}, ("Sort 2 1.", "1 2")),
    "ShareGPT": (
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "s"}]},
        ("q", "s"),
    ),
    "ShareGPT with system and tools": (
        {
            "system": "S",
            "tools": "[]",
            "conversations": [
                {"from": "human", "value": "q"},
                {"from": "function_call", "value": "f()"},
                {"from": "observation", "value": "1"},
                {"from": "gpt", "value": "s"},
            ],
        },
        ("S\n\nUser: q\n\nAssistant: f()\n\nTool: 1", "s"),
    ),
    "roles under conversations": ({"conversations": [ASK, ANSWER]}, ("What is 2 + 2?", "4")),
    "prompt and completion": ({"prompt": "q", "completion": " s"}, ("q", "s")),
    "prompt and completion as messages": (
        {"prompt": [SYSTEM, ASK], "completion": [ANSWER]},
        ("Be brief.\n\nWhat is 2 + 2?", "4"),
    ),
    "prompt as messages, solution as text": ({"prompt": [ASK], "solution": "4"}, ("What is 2 + 2?", "4")),
    "a prompt beside its messages": (
        {"prompt": "q", "prompt_id": "1", "messages": [ASK, ANSWER]},
        ("What is 2 + 2?", "4"),
    ),
    "Capybara": (
        {"conversation": [{"input": "a", "output": "b"}, {"input": "c", "output": "d"}]},
        ("User: a\n\nAssistant: b\n\nUser: c", "d"),
    ),
    "Firefly": ({"conversation": [{"human": "q", "assistant": "s"}]}, ("q", "s")),
    "LIMA": ({"conversations": ["q", "s"]}, ("q", "s")),
    "a list of one answer": ({"question": "q", "answer": ["s"]}, ("q", "s")),
    "messages as Python prints them": ({"messages": str([ASK, ANSWER])}, ("What is 2 + 2?", "4")),
    "prompt and completion as Python prints them": (
        {"prompt": str([{**ASK, "content": "It's?"}]), "completion": str([ANSWER])},
        ("It's?", "4"),
    ),
    "an answer that is not trained on": (
        {"messages": [ASK, ANSWER, {"role": "user", "content": "?"}, {**ANSWER, "train": False}]},
        ("What is 2 + 2?", "4"),
    ),
    "MMLU": (
        {"question": "q", "subject": "s", "choices": ["w", "x"], "answer": 1},
        ("q\nOptions:\nA. w\nB. x", "x"),
    ),
    "CMMLU": (
        {"Question": "q", "A": "w", "B": "x", "Answer": "B"},
        ("q\nOptions:\nA. w\nB. x", "x"),
    ),
    "a passage and options": (
        {"question": "q", "context": "c", "choices": ["w", "x"], "answer": "A"},
        ("q\n\nc\nOptions:\nA. w\nB. x", "w"),
    ),
    "a number without options": ({"question": "q", "answer": "2"}, ("q", "2")),
    "preference": ({"prompt": "q", "chosen": "s", "rejected": "r"}, ("q", "s")),
    "preference as messages": (
        {"prompt": "What is 2 + 2?", "chosen": [ASK, ANSWER], "rejected": [ASK, ASK]},
        ("What is 2 + 2?", "4"),
    ),
    "preference without a prompt": ({"chosen": [ASK, ANSWER], "rejected": [ASK, ASK]}, ("What is 2 + 2?", "4")),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(tmp_path, name):
    row, expected = ROWS[name]
    found = load(tmp_path, [row])
    assert found.examples == [expected]
    assert found.identity().rows == 1


def test_conversations_from_parquet(tmp_path):
    """Every message then has every field, most of them null."""
    datasets.Dataset.from_list(
        [{"messages": [ASK, {**ANSWER, "weight": 1}]}, {"messages": [SYSTEM, ASK, ANSWER]}]
    ).to_parquet(tmp_path / "set.parquet")
    found = load_training_set(TrainingSetSpec(source=str(tmp_path / "set.parquet")))
    assert found.examples == [("What is 2 + 2?", "4"), ("Be brief.\n\nWhat is 2 + 2?", "4")]


def test_what_was_joined_is_said_once_and_counted(tmp_path):
    later = {"role": "user", "content": "Thanks"}
    found = load(tmp_path, [{"messages": [SYSTEM, ASK, ANSWER, later]}, {"messages": [ASK, ANSWER]}])
    joined, left = found.warnings
    assert "in 1 of 2 conversations" in joined
    assert "(turns: 1 system, 2 user, 2 assistant)" in joined
    assert "1 turns after the last assistant turn were left out" in left
    assert found.identity().roles == {"system": 1, "user": 2, "assistant": 2}
    assert found.identity().form == "conversations in field 'messages'"
    rows = [{"instruction": "a", "input": "b", "output": "c"}, {"instruction": "a", "output": "d"}]
    added = load(tmp_path, rows)
    assert [line for line in added.warnings if "'input' was added to the question in 1 of 2 rows" in line]
    assert added.identity().form == "question from 'instruction' + 'input', solution from 'output'"


def test_input_that_only_later_rows_have(tmp_path):
    rows = [{"instruction": "a", "output": "c"}, {"instruction": "a", "input": "b", "output": "c"}]
    assert load(tmp_path, rows).examples[1] == ("a\n\nb", "c")


def test_fields_that_the_user_names_are_read_alone_and_the_rest_is_named(tmp_path):
    rows = [{"instruction": "a", "input": "b", "output": "c"}]
    found = load(tmp_path, rows, question_field="instruction")
    assert found.examples == [("a", "c")]
    assert "field 'input' holds something in 1 of 1 rows and is not part of the question" in found.warnings[0]
    assert load(tmp_path, [{"talk": [ASK, ANSWER]}], question_field="talk").examples == [("What is 2 + 2?", "4")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"question": "q", "instruction": "Translate.", "answer": "a"},
            "field 'instruction' .* not part of the question",
        ),
        ({"Question": "q", "Complex_CoT": "long", "Response": "a"}, "field 'Complex_CoT' .* not part of the solution"),
        (
            {"question": "q", "context": {"contexts": ["c"]}, "answer": "a"},
            "field 'context' holds no text in 1 of 1 rows",
        ),
        (
            {"question": "q", "options": ["a", "b"], "answer": "B"},
            "in 1 of 1 rows the options are listed below .*field 'answer'",
        ),
        ({"question": "q", "choices": ["a", "b"], "answer": "B. b"}, "field 'choices' with the options is not part"),
        ({"question": "q", "solution": "a", "messages": [ASK, ANSWER]}, "field 'messages' .* not part of the solution"),
        (
            {"question": "q", "answer": "a", "reasoning_content": "q? c"},
            "'reasoning_content' .* not part of the solution",
        ),
        ({"question": "q", "answer": "a", "document": "c"}, "field 'document' .* not part of the question"),
        ({"question": "q", "answer": "a", "story": "c"}, "field 'story' .* not part of the question"),
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, "preference pairs"),
    ],
)
def test_text_that_is_not_read_is_named(tmp_path, row, said):
    found = load(tmp_path, [row])
    assert any(re.search(said, line) for line in found.warnings), found.warnings


def test_few_bad_rows_are_left_out_and_numbered(tmp_path):
    rows = [{"question": f"q{number}", "solution": f"s{number}"} for number in range(100)]
    for number, bad in ((3, ""), (7, None), (50, float("nan")), (51, ["x", "y"]), (99, " \n")):
        rows[number] = {"question": "q", "solution": bad}
    found = load(tmp_path, rows)
    assert len(found.examples) == 95
    assert found.identity().left_out == 5
    assert (
        "5 of 100 rows were left out: row 4 has no text in field 'solution' (also rows 8, 51, ...)" in found.warnings[0]
    )
    assert "row 52 has a list in field 'solution', not text" in found.warnings[0]
    rows[0] = {"question": "q"}
    with pytest.raises(UserError, match=r"6 of 100 rows .*\(also rows 4, 8, 51, 100\).*up to 5%"):
        load(tmp_path, rows)


def test_one_bad_row_of_twenty_is_left_out_and_one_of_nineteen_is_not(tmp_path):
    rows = [{"question": f"q{number}", "solution": "s"} for number in range(19)]
    assert len(load(tmp_path, [*rows, {"question": "", "solution": "s"}]).examples) == 19
    with pytest.raises(UserError, match="1 of 19 rows"):
        load(tmp_path, [*rows[1:], {"question": "", "solution": "s"}])


BAD = [
    ([{"conversations": ["q", 1]}], r"holds a list in field 'conversations' that is no conversation\. Write a list"),
    ([{"messages": [ASK, ANSWER, "x"]}], "holds a list in field 'messages' that is no conversation"),
    ([{"messages": [ASK, {**ANSWER, "content": "\ud800"}]}], "row 1 has half of a surrogate pair"),
    ([{"text": "### Human: q ### Assistant: s"}], r"has no question field .*its fields are text.*'messages'"),
    ([{"messages": [{"role": "narrator", "content": "x"}]}], "a message of the unknown role 'narrator'"),
    (
        [{"messages": [{"speaker": "x", "words": "y"}]}],
        "a message with the fields 'speaker', 'words' .*, not role and",
    ),
    ([{"messages": [ASK]}], "row 1 has no assistant turn to learn from"),
    ([{"messages": [ANSWER]}], "row 1 has nothing before its last assistant turn"),
    ([{"messages": [ASK, {"role": "assistant", "content": ""}]}], "row 1 has no text in its last assistant turn"),
    ([{"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ANSWER]}], "a part of the type 'image_url'"),
    ([{"messages": [ASK, ANSWER]}, {"messages": []}], "1 of 2 rows .*row 2 has no messages in field 'messages'"),
    ([{"question": "q", "solution": float("inf")}], "row 1 has an infinite number in field 'solution'"),
    ([{"question": ["q"], "solution": "s"}], "row 1 has a list in field 'question', not text"),
    ([{"instruction": "a", "output": "b", "history": ["x"]}], "something other than pairs .* in field 'history'"),
]


@pytest.mark.parametrize(("rows", "message"), BAD)
def test_what_cannot_be_read_is_named(tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        load(tmp_path, rows)


def test_fingerprints_of_what_was_read_before(tmp_path):
    """Written down before conversations and further fields could be read."""
    rows = [
        {"question": " What is 2 + 2?\n", "solution": "4", "answer": "x"},
        {"question": "Wo — ä?", "solution": "da"},
    ]
    assert load(tmp_path, rows).sha256 == "126159af67f05598f7a2620bfc347a23ba17cc3683826e24399c2933cbe21331"


JUDGED = {
    "KTO": ({"prompt": "q", "completion": "s"}, "label"),
    "conversations": ({"messages": [ASK, ANSWER]}, "label"),
    "checked answers": ({"question": "q", "answer": "s"}, "is_correct"),
}


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("words", [(False, True), ("False", "True")])
def test_answers_that_are_marked_as_bad_are_left_out_and_counted(tmp_path, name, words):
    row, judge = JUDGED[name]
    found = load(tmp_path, [{**row, judge: words[number % 2]} for number in range(6)])
    assert len(found.examples) == 3
    assert found.identity().left_out == 0
    assert any(f"3 of 6 rows were left out, since field '{judge}' marks" in line for line in found.warnings)
    with pytest.raises(UserError, match=f"field '{judge}' is false in all 2 rows"):
        load(tmp_path, [{**row, judge: words[0]}] * 2)


def test_a_number_among_texts_of_options_points_to_none(tmp_path):
    rows = [{"question": "q", "options": ["50", "two"], "answer": answer} for answer in ("50", "two", "two")]
    found = load(tmp_path, rows)
    assert found.examples[0] == ("q", "50")
    assert "field 'options' with the options is not part of the question" in found.warnings[0]


def test_labels_that_are_classes_judge_nothing(tmp_path):
    assert len(load(tmp_path, [{"question": "q", "answer": "no", "label": False}] * 2).examples) == 2
    assert len(load(tmp_path, [{"prompt": "q", "completion": "s", "label": 0}] * 2).examples) == 2


def test_a_field_that_holds_the_question_again_is_not_named(tmp_path):
    row = {"instruction": "Sort.", "input": "", "output": "a", "text": "Below is ... ### Instruction: Sort. ### a"}
    assert load(tmp_path, [row]).warnings == ()
    row = {"prompt": "q", "chosen": [ASK, ANSWER], "messages": [ASK, ANSWER]}
    assert not [line for line in load(tmp_path, [row]).warnings if "'messages'" in line]


def test_text_of_csv_numbers(tmp_path):
    pd.DataFrame({"problem": ["q"], "answer": [7.0]}).to_csv(tmp_path / "set.csv", index=False)
    found = load_training_set(TrainingSetSpec(source=str(tmp_path / "set.csv")))
    assert found.examples == [("q", "7.0")]
