"""Draws of a seed: by hand, and the same on every machine and for every choice of domains."""

from sts_eval.data.sampling import generator, shuffled, within_budget


def test_budget():
    lengths = [4, 3, 5, 2]
    assert within_budget(lengths, [2, 0, 1, 3], 5, int) == [2]
    assert within_budget(lengths, [2, 0, 1, 3], 6, int) == [2, 0]
    assert within_budget(lengths, [2, 0, 1, 3], 100, int) == [2, 0, 1, 3]
    assert within_budget([], [], 5, int) == []


def test_a_stream_is_named_by_its_seed_and_names():
    assert shuffled(50, 0, "questions", "math") == shuffled(50, 0, "questions", "math")
    others = [(1, "questions", "math"), (0, "questions", "law"), (0, "demonstrations", "math"), (0, "questionsmath")]
    for other in others:
        assert shuffled(50, *other) != shuffled(50, 0, "questions", "math")
    assert sorted(shuffled(50, 3, "x")) == list(range(50))


def test_names_do_not_run_together():
    assert shuffled(50, 0, "ab", "c") != shuffled(50, 0, "a", "bc")


def test_draws_stay_what_they_were():
    """A change here would silently change every published prediction."""
    assert shuffled(10, 0, "training set") == [0, 2, 9, 4, 6, 5, 1, 8, 3, 7]
    assert generator(0, "training set").integers(2**32) == 2865595031
