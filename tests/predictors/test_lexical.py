import math
from collections import Counter
from itertools import pairwise

import pytest
from helpers.study import text_study

from sts_eval.predictors import lexical
from sts_eval.predictors.lexical import (
    answer_entropy_gap,
    answer_length_gap,
    ngram_share,
    prompt_length,
    tfidf_cosine,
    unigram_divergence,
)
from sts_eval.predictors.registry import select


def literal_tfidf_cosine(rows, domains, name):
    """The formula of the docstring, term by term."""

    def terms(text):
        words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
        return Counter(words + [f"{first} {second}" for first, second in pairwise(words)])

    def centroid(texts):
        total = Counter()
        for text in texts:
            vector = {term: (1 + math.log(tf)) * idf[term] for term, tf in terms(text).items()}
            length = math.sqrt(sum(value**2 for value in vector.values()))
            for term, value in vector.items():
                total[term] += value / length / len(texts)
        return total

    everything = [*rows, *(text for texts in domains.values() for text in texts)]
    frequency = Counter(term for text in everything for term in terms(text))
    frequency = {term: sum(term in terms(text) for text in everything) for term in frequency}
    idf = {term: math.log((1 + len(everything)) / (1 + df)) + 1 for term, df in frequency.items()}
    a, b = centroid(domains[name]), centroid(rows)
    norms = math.sqrt(sum(v**2 for v in a.values())) * math.sqrt(sum(v**2 for v in b.values()))
    return sum(value * b[term] for term, value in a.items()) / norms


def test_tfidf_of_two_documents_by_hand():
    # The row is [a, b, a, "a b", "b a"], the question [a, c, "a c"]. Only a is in both: its idf is ln(3/3) + 1 = 1,
    # that of the others ln(3/2) + 1. In the row a has tf 2.
    found = tfidf_cosine(text_study([("A b", "a")], {"x": ["a c"]}))
    rare, twice = math.log(3 / 2) + 1, 1 + math.log(2)
    expected = twice / (math.sqrt(twice**2 + 3 * rare**2) * math.sqrt(1 + 2 * rare**2))
    assert found == {"x": pytest.approx(expected, rel=1e-12)}


def test_tfidf_of_centroids_is_the_literal_formula():
    rows = [("one two", "three two two"), ("four", "one, two!"), ("five six", "seven")]
    domains = {"x": ["one two", "six six two eight"], "y": ["seven five six", "nine"]}
    found = tfidf_cosine(text_study(rows, domains))
    texts = [f"{question} {solution}" for question, solution in rows]
    assert found == {name: pytest.approx(literal_tfidf_cosine(texts, domains, name), rel=1e-12) for name in domains}


def test_a_single_letter_is_a_word():
    assert tfidf_cosine(text_study([("a", "a")], {"x": ["a"], "y": ["b"]}))["x"] > 0


def test_a_domain_without_words_has_no_tfidf():
    assert set(tfidf_cosine(text_study([("a", "b")], {"x": ["a"], "y": ["?!"]}))) == {"x"}
    assert tfidf_cosine(text_study([("+", "-")], {"y": ["?!"]})) == {}


def test_a_set_longer_than_the_table_is_sampled_by_the_seed(monkeypatch):
    monkeypatch.setattr(lexical, "TFIDF_CHARACTERS", 1)
    rows = [("one", "two"), ("three", "four")]
    found = {seed: tfidf_cosine(text_study(rows, {"x": ["one two"]}, seed=seed))["x"] for seed in range(8)}
    assert {round(value, 12) for value in found.values()} == {0.0, 1.0}  # one row or the other


def test_share_of_five_word_sequences_by_hand():
    rows = [("one two three four five", "six"), ("x", "y")]
    # 1-5 and 2-6 are in the row, 3-7 is not; the repeated question counts once.
    domain = ["One, two three: four five six seven!"] * 2
    assert ngram_share(text_study(rows, {"x": domain})) == {"x": 2 / 3}


def test_sequences_do_not_run_from_one_question_or_row_into_the_next():
    study = text_study([("a b", "c"), ("d", "e")], {"x": ["a b c d e"], "y": ["a b c", "d e"]})
    assert ngram_share(study) == {"x": 0.0}


def test_divergence_of_unigrams_by_hand():
    # p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4): ½ log(4/3) + ½ (½ log(2/3) + ½ log 2).
    study = text_study([("a", "b")], {"x": ["a", "a a"], "same": ["b a"], "other": ["c"], "none": ["?"]})
    expected = (math.log2(4 / 3) + (math.log2(2 / 3) + 1) / 2) / 2
    assert unigram_divergence(study) == {
        "x": pytest.approx(-expected, rel=1e-12),
        "same": pytest.approx(0, abs=1e-12),
        "other": pytest.approx(-1, rel=1e-12),
    }


def test_prompt_length_is_in_words():
    assert prompt_length(text_study([("a", "b")], {"x": ["one, two", "x_1 + y = 3 / 4"]})) == {"x": 3.0}


def test_length_of_answers_by_hand():
    # Words: 1 and 3 in the training set, so E ln(1 + n) = (ln 2 + ln 4) / 2 = 1.5 ln 2.
    rows = [("a question", "yes"), ("another", "one, two, three!")]
    study = text_study(
        rows, {}, solutions={"x": ["a b c d e f g"], "none": [], "same": ["yes", "1 2 3"], "empty": [""]}
    )
    assert answer_length_gap(study) == {
        "x": pytest.approx(-1.5 * math.log(2)),
        "same": pytest.approx(0, abs=1e-15),
        "empty": pytest.approx(-1.5 * math.log(2)),
    }


def test_entropy_of_answers_by_hand():
    # Within an answer: "a a b b" has one bit, "a b c d" has two; together, with other answers, it would be more.
    study = text_study([("q", "a a b b")], {}, solutions={"x": ["a b c d", "e f g h"], "y": ["c d", ""]})
    assert answer_entropy_gap(study) == {"x": pytest.approx(-1), "y": pytest.approx(-0.5)}


@pytest.mark.parametrize("column", select(["lexical"]), ids=lambda column: column.name)
def test_order_of_rows_questions_and_domains_does_not_matter(column):
    rows = [("one two three four five six", "seven"), ("two", "one one eight"), ("nine", "ten")]
    domains = {"x": ["one two three four five", "one ten seven eight nine two"], "y": ["eight nine", "two two"]}
    found = column(text_study(rows, domains, solutions=domains))
    turned = {name: domains[name][::-1] for name in reversed(domains)}
    other = column(text_study(rows[::-1], turned, solutions=turned))
    assert list(other) == list(found)[::-1]
    assert other == {name: pytest.approx(value, rel=1e-12) for name, value in found.items()}
