"""What features mean, as a table and as a page: excerpts are shown, and hostile text is text."""

import io
import re

import pytest
from helpers.meanings import courts, excerpt, feature, meanings
from helpers.records import prediction
from rich.console import Console

from sts_eval.errors import UserError
from sts_eval.records.feature_labels import FeatureLabel, FeatureLabels
from sts_eval.reporting.feature_page import feature_page
from sts_eval.reporting.meanings import excerpt_line, print_features

HOSTILE = "<script>alert(1)</script>\u202e\x00[link](javascript:x) [red]"


def made(*features):
    return prediction({"law": 2.0, "math": 1.0}).model_copy(update={"meanings": meanings(*features)})


def labels(text):
    label = FeatureLabel(
        feature=7,
        text=text,
        n_fires=5,
        n_found=4,
        n_silent=5,
        n_rejected=5,
        n_unreadable=0,
        balanced_accuracy=0.9,
        low=0.6,
        high=0.97,
    )
    return FeatureLabels(created="2026-01-01T00:00:00+00:00", prediction_sha256="0", judge="judge-1", labels=(label,))


def test_excerpts_are_highlighted_by_their_activation():
    page = feature_page(made(feature(7, [excerpt(("He was ", 0), ("sued", 4.0), (" in", 1.0), (" court", 0))])))
    assert (
        '…He was <mark style="--a:1.00" title="4">sued</mark><mark style="--a:0.25" title="1"> in</mark> court…' in page
    )
    assert "strongest samples: training set 7, law 3" in page
    assert "15% [9%, 23%]" in page


def test_hostile_text_is_text():
    hostile = feature(
        7,
        [excerpt((HOSTILE, 1.0), source=HOSTILE)],
        promotes=(HOSTILE,),
        strongest={HOSTILE: 10},
        label=HOSTILE,
        dropped=HOSTILE,
        shares={HOSTILE: 1.0},
        neuronpedia="javascript:alert(1)",
    )
    page = feature_page(made(hostile), labels(HOSTILE))
    assert "<script" not in page
    assert "href" not in page
    assert "\u202e" not in page
    assert "\x00" not in page
    assert page.count("&lt;script&gt;") >= 5
    ours = {"html", "meta", "title", "style", "table", "tr", "th", "td", "article", "h1", "h2", "p", "small", "br"}
    assert set(re.findall(r"<(\w+)", page)) == {*ours, "mark", "b"}


def test_a_page_of_neuronpedia_is_linked():
    address = "https://www.neuronpedia.org/gemma-2-2b/20-gemmascope-res-16k/7"
    assert f'<a href="{address}"' in feature_page(made(feature(7, [], neuronpedia=address)))


def test_the_judges_label_and_its_score_are_on_the_page():
    page = feature_page(made(feature(7, [])), labels("a court"))
    assert "<b>a court</b>" in page
    assert "balanced accuracy 0.90 [0.60, 0.97]" in page


def test_a_prediction_without_meanings_has_no_page():
    with pytest.raises(UserError, match="--meanings"):
        feature_page(prediction({"law": 2.0}))


def printed(found, shown=8):
    console = Console(file=io.StringIO(), width=110)
    print_features(found, None, shown, console)
    return console.file.getvalue()


def test_the_table_leaves_out_what_is_dropped_and_says_so():
    one = feature(7, courts().features[0].excerpts[:1])
    text = printed(meanings(one, feature(8, [], dropped="fires on text of every kind")))
    assert "number 0 [court] again" in text
    assert "training set 7," in text
    assert "Left out of 2 shifted features: 1 that fire on text of every kind." in text
    assert not re.search(r"│ +8 │", text)
    assert "Of the shifted features 15% [9%, 23%] have most of their strongest" in text


def test_markup_in_an_excerpt_is_text():
    assert "[bold]x[/bold]" in printed(meanings(feature(7, [excerpt(("[bold]x[/bold]", 1.0))])))


def test_an_excerpt_is_cut_at_words():
    long = excerpt(
        ("a very long sentence that goes on and on about how ", 0), ("he", 3.0), (" was summoned before it", 0)
    )
    assert excerpt_line(long) == "on and on about how [he] was"
