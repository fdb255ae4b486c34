"""Files that were made to cost time, to hide something or to take the place of a column; beside each, an honest one."""

import json
import time

import pytest
from helpers.submissions import plain, raw, submission

from sts_eval.submission.naming import is_reserved, skeletons
from sts_eval.submission.plausibility import RESERVED_PREDICTORS
from sts_eval.submission.problem import MOST_PROBLEMS, shown
from sts_eval.submission.read_json import MOST_KEYS, MOST_OBJECTS
from sts_eval.submission.validate import validate

MOST_SECONDS = 10.0  # of the processor; without the limits these files take minutes


def judged(values):
    start = time.process_time()
    verdict = validate(values if isinstance(values, bytes) else json.dumps(values).encode())
    assert time.process_time() - start < MOST_SECONDS
    return verdict


@pytest.fixture
def values():
    return plain(submission(evidence=False))


def test_many_keys_that_nobody_knows_cost_no_time(values):
    """For each the nearest known field was looked up: 100,000 of them took minutes."""
    (told,) = judged(values | {f"submitte{n}": 0 for n in range(100_000)}).problems
    assert "and 1,000 are allowed" in told.message
    values["outcome"]["a"] = {f"k{n}": 0 for n in range(MOST_KEYS + 1)}
    assert "$.outcome.a" in [one.path for one in judged(values).problems]
    few = judged(plain(submission(evidence=False)) | {"submiter": 0})
    assert "did you mean submitter" in few.problems[0].message


def test_more_mistakes_than_are_told_are_counted(values):
    values["outcome"]["predictors"] = [{} for _ in range(1000)]
    problems = judged(values).problems
    assert len(problems) == MOST_PROBLEMS + 1
    # Each lacks name, group, flags, summary, scores, seeds and cost.
    missing = 7 * 1000
    assert f"{missing - MOST_PROBLEMS:,} further problems" in problems[-1].message


def test_many_objects_are_refused_before_anything_is_built(values):
    values["outcome"]["domains"] = [{}] * (MOST_OBJECTS + 1)
    (told,) = judged(values).problems
    assert "50,000 objects" in told.message


def test_many_figures_that_are_none_are_told_a_hundred_times():
    assert len(judged(b"[" + b"[NaN" + b",NaN" * 40_000 + b"]," * 1 + b"0]").problems) <= MOST_PROBLEMS + 1


def test_a_message_does_not_write_out_what_it_will_not_show():
    start = time.process_time()
    for _ in range(200):
        assert shown({"a": [0] * 1_000_000}).endswith("...")
    assert time.process_time() - start < MOST_SECONDS
    assert shown({"a": [1, "b"]}) == '{"a": [1, "b"]}'


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-03\u202e00:00:00+00:00",
        "2026-01-03<00:00:00+00:00",
        "2026-01-03\n00:00:00+00:00",
        "2026-W01-6T00:00:00+00:00",
        "20260103T000000+00:00",
        "2026-01-03T00:00:00+00:00:00.0",
        "2026-02-31T00:00:00+00:00",
    ],
)
def test_a_time_has_one_form_in_which_nothing_hides(values, text):
    values["created"] = text
    assert [one.path for one in judged(values).problems] == ["$.created"]


@pytest.mark.parametrize("text", ["2026-01-03T00:00:00+00:00", "2026-01-03T00:00:00Z", "2026-01-03T00:00:00.25+00:00"])
def test_the_usual_forms_of_a_time_are_taken(values, text):
    values["created"] = text
    assert judged(values).accepted


@pytest.mark.parametrize("label", ["Llama\u200d", "\u3164", "Ll\u200cama", "Lla" + "\u0301" * 5 + "ma"])
def test_a_family_or_domain_that_nobody_can_see_or_tell_apart_is_refused(values, label):
    values["model"]["family"] = label
    assert [one.path for one in judged(values).problems] == ["$.model.family"]
    values["model"]["family"] = "Llama 3 (base)"
    assert judged(values).accepted
    values["outcome"]["domains"][0]["domain"] = label
    assert "$.outcome.domains[0].domain" in [one.path for one in judged(values).problems]


@pytest.mark.parametrize("name", sorted(RESERVED_PREDICTORS))
def test_no_predictor_has_the_name_of_a_column(values, name):
    """One that was called `delta` broke three tabs for every visitor."""
    values["outcome"]["predictors"][2]["name"] = name
    (told,) = judged(values).problems
    assert (told.path, "rename" in told.message) == ("$.outcome.predictors[2].name", True)
    values["outcome"]["predictors"][2]["name"] = f"{name}_norm"
    assert judged(values).accepted


def test_changes_of_single_questions_are_those_of_the_questions_that_there_are(values):
    domain = values["outcome"]["domains"][0]
    for right in ([1] * (domain["n"] - 1), [10**14] * domain["n"]):
        domain["questions"] = {"ids_sha256": "0", "right": right}
        assert [one.path for one in judged(values).problems] == ["$.outcome.domains[0].questions.right"]
    domain["questions"]["right"] = [-3, 3, *[0] * (domain["n"] - 2)]
    assert judged(values).accepted


@pytest.mark.parametrize(
    "name", ["sts-eva1", "sts-evaI", "STS-eval (official)", "sts-eval team", "rnaintainer", "Maintainers of this board"]
)
def test_a_name_that_reads_like_that_of_who_runs_the_store_is_theirs(name):
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["Board of Studies", "Administration of Leeds", "Ian Stewart", "lab 10", "Eval lab"])
def test_other_names_are_anybodys(name):
    assert not is_reserved(name)


def test_names_that_are_drawn_alike_share_a_look():
    for one, other in (("Ada Lovelace", "Ada Love1ace"), ("Ada Lovelace", "Ada LoveIace"), ("Bo Olsen", "B0 0lsen")):
        assert set(skeletons(one)) & set(skeletons(other))
    assert set(skeletons("Burns")) & set(skeletons("Bums"))
    assert not set(skeletons("Ada")) & set(skeletons("Ida"))


def test_an_honest_file_is_still_taken():
    assert judged(raw(submission())).accepted
