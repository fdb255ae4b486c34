"""Delimited text by the rules of RFC 4180: what breaks them is refused with its line, and no row is lost."""

import pytest

from sts_eval.data.tables import read_table
from sts_eval.errors import UserError

ROWS = [{"question": f"q{number}", "answer": f"a{number}"} for number in range(40)]


def read(path, content):
    path.write_bytes(content.encode())
    return read_table(str(path), split="train")


def lines(separator, changed=None, end="\n"):
    rows = [row["question"] + separator + row["answer"] for row in ROWS]
    for number, line in (changed or {}).items():
        rows[number] = line
    return end.join([f"question{separator}answer", *rows]) + end


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "strays.tsv",
            lines("\t", {7: '"So it begins\ta7', 30: '"And on\ta30'}),
            r"line 9 opens a quote, and .* closes it in line 32\).*\"\"yes",
        ),
        ("word.tsv", lines("\t", {5: '"Hamlet" is by whom?\ta5'}), r"in line 7 text follows a closing quote"),
        (
            "ends.tsv",
            lines("\t", {7: '"To be\ta7', 30: 'or not."\ta30'}),
            "line 9 opens a quote that closes 23 lines below, around what looks like rows",
        ),
        ("last.csv", lines(",", {38: '"Unclosed,a38'}), "line 40 opens a quote that is never closed"),
        ("backslash.csv", lines(",", {3: r'"He said \"hi\", ok",a3'}), "in line 5 text follows a closing quote"),
        ("comma.csv", lines(",", {3: "one, two,a3"}), "line 5 has 3 fields for 2 columns: question, answer"),
        (
            "every.csv",
            "question,answer\n" + "What is 1, plus one?,2\n" * 9,
            "line 2 has 3 fields for 2 columns",
        ),
        ("hint.csv", "sep=;\n" + lines(";", {3: "one; two;a3"}), "line 6 has 3 fields"),
    ],
)
def test_what_would_lose_rows_or_move_fields(tmp_path, name, content, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path / name, content)


@pytest.mark.parametrize(
    "content",
    [
        lines(",", end="\r"),
        lines(",", end="\r\n"),
        lines(",").replace("\n", ",\n").replace("answer,", "answer"),
        lines(",").replace(",", ', "').replace("\n", '"\n').replace('"answer"', "answer"),
        lines(",") + "\n \n",
    ],
)
def test_line_ends_trailing_separators_and_spaces_before_quotes(tmp_path, content):
    assert read(tmp_path / "rows.csv", content).rows == ROWS


def test_fields_over_several_lines(tmp_path):
    told = 'question,answer\n"a ""b"", c\nd",e\n"f\r\ng","h, i"\n'
    found = read(tmp_path / "rows.csv", told)
    assert found.rows == [{"question": 'a "b", c\nd', "answer": "e"}, {"question": "f\r\ng", "answer": "h, i"}]
    assert found.notes == ()
    found = read(tmp_path / "rows.csv", 'question,answer\n"x,1\ny,2\nz",3\n')
    assert found.rows == [{"question": "x,1\ny,2\nz", "answer": "3"}]
    assert "line 2 opens a quote that closes 2 lines below" in found.notes[0]


def test_short_rows_long_fields_and_names(tmp_path):
    long = "x" * 200_000
    found = read(tmp_path / "rows.csv", f",a,a\n{long},1\n")
    assert found.rows == [{"Unnamed: 0": long, "a": "1", "a.1": None}]
