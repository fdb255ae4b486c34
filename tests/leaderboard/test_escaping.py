"""Foreign text is made harmless for each place that shows it."""

import io
from html.parser import HTMLParser

import pandas as pd
import pytest
from helpers.board import HOSTILE

from sts_leaderboard import badges, downloads, escaping


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_has_no_mark_left_and_reads_the_same(text):
    escaped = escaping.markdown(text)
    outside = "".join(part.partition(";")[2] for part in ("&;" + escaped).split("&"))
    assert not set(outside) & set("<>[]`*_|$#!\\{}=:./~-+\"'")
    read = Tags()
    read.feed(escaped)
    assert (read.found, read.text) == ([], escaping.plain(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_figure_gets_no_tag_and_no_formula(text):
    drawn = escaping.figure_text(text)
    assert "<" not in drawn
    assert "$" not in drawn


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_of_a_csv_file_is_a_formula_and_numbers_stay_numbers(start):
    table = pd.DataFrame({"name": [f"{start}cmd|'/c calc'!A1"], "=evil()": [-1.5], "home": [("=a", "b")]})
    text = downloads.csv(table).decode()
    back = pd.read_csv(io.StringIO(text))
    assert back.iloc[0, 0].startswith(f"'{start}")
    assert back.columns[1] == "'=evil()"
    assert back.iloc[0, 1] == -1.5
    assert back.iloc[0, 2] == "'=a b"


def test_parquet_comes_back_with_its_numbers():
    table = pd.DataFrame({"name": ["=x"], "value": [1.25], "home": [("a", "b")]})
    back = pd.read_parquet(io.BytesIO(downloads.parquet(table)))
    assert back.to_dict("list") == {"name": ["=x"], "value": [1.25], "home": ["a b"]}


def test_a_feature_is_linked_only_by_an_identity_of_the_known_form():
    assert escaping.neuronpedia("gemma-2b/20-res", 7) == "https://www.neuronpedia.org/gemma-2b/20-res/7"
    for identity in (None, "x](javascript:alert(1))", "a/b/../c", "a/b c", "//evil.example/x", "a/b\n"):
        assert escaping.neuronpedia(identity, 7) is None


def test_a_badge_is_made_of_our_own_words_only():
    assert "img" not in badges.heading("<img onerror=alert(1)>", 3)
    assert badges.word("${x}") == "● measured"
    assert [badges.word(one) for one in badges.ORIGINS] == ["● measured", "◆ imported", "■ published"]
