"""Any text as a part of a path."""

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_eval.errors import UserError
from sts_eval.export.names import checked, one_line, portable, result_names

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("gemma-2-9b-it", "gemma-2-9b-it"),
        ("computer science", "computer_science"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        (".hidden", "hidden"),
        ("a\x00b\nc\u202ed", "a_b_c_d"),
        ("Recht für alle", "Recht_für_alle"),
        ("数学", "数学"),
        ("NUL", "_NUL"),
        ("con.json", "_con.json"),
        ("data", "_data"),
        ("ends.", "ends"),
        ("ä" * 100, "ä" * 60 + "-" + "8c8b9015"),
        ('<>:"\\|?*', "________"),
    ],
)
def test_a_part_of_a_path(text, part):
    assert portable(text) == part


@given(TEXTS)
def test_whatever_the_text_it_is_one_short_visible_part(text):
    part = portable(text)
    assert PurePosixPath(part).parts == (part,)
    assert part not in {".", ".."}
    assert not part.startswith(".")
    assert len(part.encode()) <= 130
    assert part == unicodedata.normalize("NFC", part)


@given(st.lists(TEXTS, max_size=6, unique=True))
def test_different_names_stay_apart_on_any_disk(texts):
    assert len({name.casefold() for name in result_names("all", ".", texts).values()}) == len(texts) + 1


def test_only_names_that_clash_are_changed():
    names = result_names("all", ".", ["a b", "a_b", "c"])
    assert names["a b"] != names["a_b"]
    assert names["a b"].startswith("all.a_b-")
    assert (names["c"], names[None]) == ("all.c", "all")


@given(TEXTS)
def test_one_line_is_one_line_and_shows_all_it_has(text):
    line = one_line(text)
    assert line == "" or line.splitlines() == [line]
    assert line.isprintable()


@pytest.mark.parametrize("text", ["a", "a/b/c", "../b", "a/..", "a/b..c", "a/.b", "a /b", "a/b\n", "a/b--c", "ä/b"])
def test_no_repository(text):
    with pytest.raises(UserError, match="no repository id"):
        checked(text, "--model-id", "repository")


def test_repositories_and_names_pass():
    assert checked("TIGER-Lab/MMLU-Pro", "--dataset-id", "repository") == "TIGER-Lab/MMLU-Pro"
    assert checked("MathArena/aime_2026", "--task-id", "name") == "MathArena/aime_2026"
    with pytest.raises(UserError, match="--task-id"):
        checked("a/../b", "--task-id", "name")
    with pytest.raises(UserError, match="no line of text"):
        checked("a\nb", "--organization", "line")


@pytest.mark.parametrize("text", [None, ""])
def test_what_is_not_given_is_none(text):
    assert checked(text, "--model-id", "repository") is None
