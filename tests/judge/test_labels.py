"""A judge's labels and their scores, with judges whose answers are known."""

import pytest
from helpers.meanings import courts, excerpt, feature, meanings

from sts_eval import lab
from sts_eval.experiment import ModelSpec
from sts_eval.judge.chat import local_chat
from sts_eval.judge.labels import balanced_accuracy, label_feature, label_features, marked


def test_balanced_accuracy_and_its_interval():
    """Five of five twice: each Wilson interval begins at n / (n + z²) = .5655, and 1 − .4345 · √2 / 2 = .6928."""
    assert balanced_accuracy(5, 5, 5, 5) == pytest.approx((1.0, 0.6928, 1.0), abs=1e-4)
    assert balanced_accuracy(5, 5, 0, 5)[0] == 0.5
    low, high = balanced_accuracy(3, 4, 1, 4)[1:]
    assert low < 0.5 < high
    assert balanced_accuracy(0, 0, 1, 1) is None


def test_a_judge_is_asked_about_excerpts_that_it_was_not_shown():
    asked = []

    def ask(prompt):
        asked.append(prompt)
        if "Phrase:\n" in prompt or prompt.endswith("Phrase:"):
            return ' "a court of law".\nBecause ...'
        return "Yes." if "court" in prompt.partition("Text: ")[2] else "No, it does not."

    found = label_feature(courts(), courts().features[0], ask)
    assert found.text == "a court of law"
    assert (found.n_fires, found.n_found, found.n_silent, found.n_rejected) == (5, 5, 5, 5)
    assert (found.balanced_accuracy, found.n_unreadable) == (1.0, 0)
    explained, detected = asked[0], "\n".join(asked[1:])
    for number in range(10):
        assert (f"number {number} <<court>>" in explained) == (number % 2 == 0)
        assert (f"number {number} court" in detected) == (number % 2 == 1)
    assert "The court sat" not in detected  # the feature fires there
    assert len(asked) == 11


@pytest.mark.parametrize(("answer", "found", "rejected", "unreadable"), [("yes", 5, 0, 0), ("Maybe", 0, 0, 10)])
def test_a_judge_that_says_one_thing_scores_no_better_than_chance(answer, found, rejected, unreadable):
    label = label_feature(courts(), courts().features[0], lambda _: answer)
    assert (label.n_found, label.n_rejected, label.n_unreadable) == (found, rejected, unreadable)
    assert label.balanced_accuracy <= 0.5


@pytest.mark.parametrize(
    ("answer", "label"), [("a\x1b[31m \0court\x07\nx", "a [31m  court"), ("\x07\n", "(no answer)")]
)
def test_a_label_has_no_control_characters(answer, label):
    assert label_feature(courts(), courts().features[0], lambda _: answer).text == label


def test_a_feature_that_fires_in_all_random_excerpts_is_not_scored():
    everywhere = meanings(feature(9, courts().features[0].excerpts), background=courts().background)
    found = label_feature(everywhere, everywhere.features[0], lambda _: "yes")
    assert (found.n_silent, found.balanced_accuracy, found.low) == (0, None, None)


def test_only_tokens_that_fire_strongly_are_marked_and_neighbours_together():
    assert marked(excerpt(("a\n", 0.1), ("b", 2.0), ("c", 1.0), (" d", 0))) == "a <<bc>> d"


def test_the_lab_model_is_a_judge_that_knows_nothing():
    ask = local_chat(ModelSpec(id=str(lab.model_path()), device="cpu"))
    (label,) = label_features(courts(), courts().features[:1], ask)
    assert label.n_fires == label.n_silent == 5
    assert label.low <= 0.5
