"""Which rows of a pool can be used, and for which domain."""

import pytest
from helpers import mixtures, tiny
from helpers.mixtures import pool_row, question

from sts_eval.errors import UserError
from sts_eval.mixture.assignment import assign, share_assigned_right


def domains(sources):
    return {row.number: row.domain for row in sources.pool.rows}


def test_benchmark_questions_known_questions_and_repeats_are_left_out(tmp_path):
    rows = [
        pool_row("law", 0, category="law"),
        {"question": f"Note: {question('law', 2).upper()}", "solution": "So.", "category": "law"},
        {"question": tiny.TRAINING[1].question, "solution": "So.", "category": "math"},
        pool_row("law", 0, category="health"),
        pool_row("math", 1, category=" MATH "),
        pool_row("math", 2, category="music"),
    ]
    sources = mixtures.sources(tmp_path, rows)
    assert domains(sources) == {1: "law", 5: "math"}
    use = sources.pool.use
    assert (use.rows, use.usable, use.benchmark_questions, use.in_training_set, use.repeated) == (6, 2, 1, 1, 1)
    assert use.unknown_domains == {"music": 1}
    assert use.domain_column == "category"
    assert use.assigned == 0


def test_rows_without_a_domain_get_that_of_the_most_similar_questions(tmp_path):
    rows = [pool_row(name, number) for name in mixtures.WORDS for number in range(2)]
    sources = mixtures.sources(tmp_path, [*rows, {"question": "Zzz yyy", "solution": "Xxx."}])
    assert domains(sources) == {1: "math", 2: "math", 3: "law", 4: "law", 5: "health", 6: "health"}
    assert all(row.assigned for row in sources.pool.rows)
    assert (sources.pool.use.assigned, sources.pool.use.without_domain) == (6, 1)
    assert sources.pool.use.assignment_accuracy == 1.0


def test_a_cell_without_a_domain_is_assigned_and_the_others_are_kept(tmp_path):
    rows = [pool_row("law", 0, topic="health"), pool_row("law", 1, topic=None)]
    sources = mixtures.sources(tmp_path, rows)
    assert [(row.domain, row.assigned) for row in sources.pool.rows] == [("health", False), ("law", True)]
    sources = mixtures.sources(tmp_path, rows, column="none")
    assert [(row.domain, row.assigned) for row in sources.pool.rows] == [("law", True), ("law", True)]


def test_assignment_by_hand():
    # "cat" stands only in the questions of animals, "oak" only in those of plants; "moon" in neither.
    known = {"animals": ["cat dog", "cat"], "plants": ["oak", "oak elm"]}
    assert assign(["a cat", "an oak", "moon", "..."], known) == ["animals", "plants", None, None]
    assert share_assigned_right(known) == 1.0  # "cat" against "cat dog", "oak elm" against "oak"
    assert share_assigned_right({"animals": ["cat"]}) is None


@pytest.mark.parametrize(
    ("rows", "column", "says"),
    [
        ([{"question": question("law", 1), "solution": "x"}], None, "1 hold a benchmark question"),
        ([pool_row("law", 0, category="music")], None, "names no domain of the benchmark; it holds music"),
        ([pool_row("law", 0)], "field", "has no column 'field'; its columns are question, solution"),
    ],
)
def test_a_pool_that_gives_nothing_is_refused(tmp_path, rows, column, says):
    with pytest.raises(UserError, match=says):
        mixtures.sources(tmp_path, rows, column=column)


def test_an_unknown_domain_to_protect_is_named(tmp_path):
    with pytest.raises(UserError, match="no domain 'music'"):
        mixtures.sources(tmp_path, mixtures.pool_rows({"law": 2}), protect=["law", "music"])
