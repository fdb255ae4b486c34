"""What a store takes and what it refuses, and how it says so."""

import json
from datetime import UTC, datetime

import pytest
from helpers.meanings import courts
from helpers.submissions import plain, prediction, raw, submission

from sts_eval.submission.problem import shown
from sts_eval.submission.read_json import MOST_BYTES
from sts_eval.submission.validate import StoreContents, schema, validate


def encode(values):
    return json.dumps(values).encode()


def place(values, path, value):
    """Set a value deep in plain JSON; `...` removes it."""
    *inner, last = path
    for step in inner:
        values = values[step]
    if value is ...:
        del values[last]
    else:
        values[last] = value


def refused(values):
    found: dict[str, str] = {}
    for problem in validate(encode(values)).problems:
        found[problem.path] = f"{found.get(problem.path, '')} {problem.message}"
    return found


FIRST = ("outcome", "domains", 0)
MATH = 3
"""`math` is the fourth domain in the order of names."""


def test_a_whole_submission_is_recomputed_and_a_bare_one_self_reported():
    whole, bare = validate(raw(submission())), validate(raw(submission(evidence=False)))
    assert (whole.problems, whole.tier) == ((), "recomputed")
    assert (bare.problems, bare.tier) == ((), "self_reported")
    assert whole.sha256 == submission().sha256()
    assert "self-reported" in bare.notes[0]


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        (("surprise",), 1, "$.surprise", "no such field"),
        (("orgin",), 1, "$.orgin", "did you mean origin"),
        (("origin",), ..., "$.origin", "missing"),
        (("schema_version",), 3, "$.schema_version", "version 3 is not known"),
        (("outcome", "schema_version"), 7, "$.outcome.schema_version", "version 7 is not known"),
        (("origin",), "measured<script>", "$.origin", "does not fit"),
        (("submitter",), "<img src=x onerror=alert(1)>", "$.submitter", "not allowed"),
        (("submitter",), "=cmd|'/c calc'!A1", "$.submitter", "not allowed"),
        (("model", "id"), "../../etc/passwd", "$.model.id", "not allowed"),
        (("model", "id"), "/etc/passwd", "$.model.id", "not allowed"),
        (("model", "id"), "org\\model", "$.model.id", "not allowed"),
        (("model", "id"), "org/model\n", "$.model.id", "not allowed"),
        (("model", "id"), "org/${process}", "$.model.id", "not allowed"),
        (("model", "parameters"), "8B", "$.model.parameters", "does not fit"),
        (("training_set", "id"), "@SUM(A1)", "$.training_set.id", "not allowed"),
        (("benchmark",), "{{value}}", "$.benchmark", "not allowed"),
        (("provenance", "url"), "javascript:alert(1)", "$.provenance.url", "https"),
        (("provenance", "url"), "http://example.org", "$.provenance.url", "https"),
        (("provenance", "url"), "https://me:pw@example.org", "$.provenance.url", "https"),
        (("provenance", "url"), 'https://a.org/"onload="x', "$.provenance.url", "https"),
        (("provenance", "hardware"), "a\x1b[2Jb", "$.provenance.hardware", "one line"),
        (("provenance", "command"), "true\nrm -rf x", "$.provenance.command", "one line"),
        (("created",), "yesterday", "$.created", "no time in UTC"),
        (("created",), "2026-01-03T00:00:00", "$.created", "no time in UTC"),
        (("created",), "2199-01-03T00:00:00+00:00", "$.created", "not come yet"),
        (("outcome", "model"), "a/../b", "$.outcome.model", "rename"),
        (("outcome", "prediction_sha256"), "p0", "$.outcome.prediction_sha256", "no hash"),
        (("outcome", "seeds"), [0, 0, 1], "$.outcome.seeds[1]", "occurs twice"),
        (("outcome", "seeds"), [], "$.outcome.seeds", "no seed"),
        ((*FIRST, "domain"), "math", "$.outcome.domains[3].domain", "occurs twice"),
        ((*FIRST, "domain"), "+1+1", "$.outcome.domains[0].domain", "rename"),
        ((*FIRST, "n"), 0, "$.outcome.domains[0].n", "0 questions"),
        ((*FIRST, "n"), "60", "$.outcome.domains[0].n", "does not fit"),
        ((*FIRST, "accuracy_before"), None, "$.outcome.domains[0].accuracy_before", "it is missing"),
        ((*FIRST, "accuracy_before"), 50.0, "$.outcome.domains[0].accuracy_before", "divide it by 100"),
        ((*FIRST, "accuracy_before"), -0.1, "$.outcome.domains[0].accuracy_before", "no proportion"),
        ((*FIRST, "accuracy_before"), 0.999, "$.outcome.domains[0].accuracy.delta", "no proportion"),
        ((*FIRST, "accuracy", "delta"), 101.0, "$.outcome.domains[0].accuracy.delta", "between -100 and 100"),
        ((*FIRST, "accuracy", "delta"), 1.0, "$.outcome.domains[0].accuracy.delta", "mean of by_seed"),
        ((*FIRST, "accuracy", "se"), -1.0, "$.outcome.domains[0].accuracy.se", "does not fit"),
        ((*FIRST, "accuracy", "se"), 0.0, "$.outcome.domains[0].accuracy.se", "too small"),
        ((*FIRST, "accuracy", "se"), 30.0, "$.outcome.domains[0].accuracy.se", "too large"),
        ((*FIRST, "accuracy", "by_seed"), [8.0], "$.outcome.domains[0].accuracy.by_seed", "1 changes for 3 seeds"),
        ((*FIRST, "logprob", "delta"), 5000.0, "$.outcome.domains[0].logprob.delta", "nats"),
        (("outcome", "predictors", 0, "name"), "a b", "$.outcome.predictors[0].name", "rename"),
        (("outcome", "predictors", 1, "name"), "sts_icl", "$.outcome.predictors[1].name", "occurs twice"),
        (("outcome", "predictors", 0, "flags"), ["X"], "$.outcome.predictors[0].flags", "different ones"),
        (("outcome", "predictors", 4, "flags"), [], "$.outcome.predictors[4].flags", "carries the flag O"),
        (("outcome", "predictors", 0, "summary"), "a\nb", "$.outcome.predictors[0].summary", "one line"),
        (("outcome", "predictors", 0, "scores", "math"), None, "$.outcome.predictors[0].scores.math", "does not fit"),
        (("outcome", "r"), 0.99, "$.outcome.r", "no such field"),
    ],
)
def test_each_mistake_is_told_with_its_place_and_remedy(path, value, where, says):
    values = plain(submission(evidence=False))
    if path == (*FIRST, "accuracy", "se") and value == 0.0:
        values["outcome"]["domains"][MATH]["accuracy"]["se"] = 0.0
        where = where.replace("[0]", f"[{MATH}]")
    else:
        place(values, path, value)
    found = refused(values)
    assert where in found, found
    assert says in found[where]


def test_all_mistakes_are_told_at_once_those_of_the_figures_too():
    values = plain(submission(evidence=False))
    values["surprise"] = 1
    values["model"]["id"] = "../x"
    place(values, (*FIRST, "n"), 0)
    values["outcome"]["domains"][1]["accuracy"]["delta"] = 500.0
    assert refused(values).keys() == {
        "$.surprise",
        "$.model.id",
        "$.outcome.domains[0].n",
        "$.outcome.domains[1].accuracy.delta",
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"[1]", "not an object"),
        (b"null", "not an object"),
        (b"{'a': 1}", "line 1, column 2"),
        (b"[" * 100_000, "levels deep"),
        (b"[" * 30 + b"]" * 30, "levels deep"),
        (b" " * (MOST_BYTES + 1), "8,000,000 are allowed"),
        (b"[" + b"0," * 1_000_001 + b"0]", "1,000,000 values"),
        (b"[" + b"0," * 50_001 + b"0]", "50,000 are allowed"),
        (b'{"a": "' + b"x" * 50_001 + b'"}', "characters"),
        (b'{"' + b"x" * 201 + b'": 1}', "too long"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\ud800": 1}', "no valid text"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "NaN or infinite"),
        (b'{"a": 1e999}', "NaN or infinite"),
        (b'{"a": -Infinity}', "NaN or infinite"),
        (b'{"a": 1e16}', "larger than"),
        (b'{"a": 1, "a": 2}', "occurs twice"),
        (b"PK\x03\x04", "not JSON"),
        (b"\x80\x04\x95pickle", "not UTF-8"),
    ],
)
def test_bytes_that_are_no_submission_are_refused_before_anything_is_built(content, says):
    verdict = validate(content)
    assert not verdict.accepted
    assert any(says in problem.message for problem in verdict.problems), verdict.problems


def test_a_key_that_occurs_twice_and_a_nan_are_told_with_their_place():
    text = (
        raw(submission(evidence=False)).replace(b'"n":60', b'"n":60,"n":61', 1).replace(b'"se":', b'"se":NaN,"x":', 1)
    )
    paths = [problem.path for problem in validate(text).problems]
    assert "$.outcome.domains[0].n" in paths
    assert "$.outcome.domains[0].accuracy.se" in paths


def test_what_a_message_repeats_of_a_hostile_file_is_short_ascii():
    values = plain(submission(evidence=False))
    values["model"]["id"] = "\x1b[31m\u202e" + "x" * 5000
    values["<img src=x onerror=alert(1)>\u202e"] = 1
    for problem in validate(encode(values)).problems:
        assert str(problem).isascii()
        assert str(problem).isprintable()
        assert len(str(problem)) < 400
    assert json.loads(shown("<b>")) == "<b>"


def test_free_text_may_hold_markup_since_views_escape_it():
    values = plain(submission(evidence=False))
    values["provenance"]["hardware"] = "=1+1 <img src=x onerror=alert(1)> ${x} {{y}}"
    values["outcome"]["predictors"][0]["summary"] = "<b>${x}</b>"
    assert validate(encode(values)).accepted


def test_meanings_are_taken_and_their_sizes_are_bounded():
    whole = submission(prediction().model_copy(update={"meanings": courts()}))
    given = json.loads(whole.canonical())
    assert validate(encode(given)).accepted
    excerpt = given["prediction"]["meanings"]["features"][0]["excerpts"][0]
    for wrong in ([], excerpt["pieces"] * 100, [{"text": "x" * 201, "activation": 1.0}]):
        bad = json.loads(encode(given))
        bad["prediction"]["meanings"]["features"][0]["excerpts"][0]["pieces"] = wrong
        assert any(path.startswith("$.prediction.meanings.features[0].excerpts[0].pieces") for path in refused(bad))


def test_many_problems_are_cut():
    values = plain(submission(evidence=False))
    values |= {f"extra{number}": 1 for number in range(500)}
    problems = validate(encode(values)).problems
    assert len(problems) == 101
    assert "400 further" in problems[-1].message


def test_published_figures_may_lack_what_papers_do_not_give():
    values = plain(submission(evidence=False, oracle=False))
    values["origin"] = "published"
    values["outcome"] |= {"prediction_sha256": "", "transfer_sha256": "", "seeds": []}
    for domain in values["outcome"]["domains"]:
        domain["logprob"] = None
        domain["accuracy"] = {"delta": round(domain["accuracy"]["delta"], 1), "se": 0.0, "by_seed": []}
    verdict = validate(encode(values))
    assert (verdict.problems, verdict.tier) == ((), "published")
    values["origin"] = "measured"
    assert "$.outcome.transfer_sha256" in refused(values)


def test_a_run_that_the_store_has_with_its_evidence_clashes():
    whole = submission()
    run = (whole.outcome.prediction_sha256, whole.outcome.transfer_sha256)
    clash = validate(raw(whole), known=StoreContents(holder=lambda *which: "f" * 64 if which == run else None))
    assert clash.problems[0].path == "$.outcome.transfer_sha256"
    assert validate(raw(whole), known=StoreContents(holder=lambda *_: whole.sha256())).accepted


@pytest.mark.parametrize(
    ("registered", "marks"),
    [
        (None, ()),
        ("2026-01-01T12:00:00+00:00", ("pre_registered",)),
        ("2026-01-02T00:00:00+00:00", ()),  # the second at which tuning began
        ("2026-01-05T00:00:00+00:00", ()),
    ],
)
def test_pre_registered_is_what_was_registered_before_the_tuning_began(registered, marks):
    times = {prediction().sha256(): registered}
    assert validate(raw(submission()), known=StoreContents(registered=times.get)).marks == marks


def test_without_the_transfer_nobody_knows_when_tuning_began():
    known = StoreContents(registered=lambda _: "2020-02-01T00:00:00+00:00")
    assert validate(raw(submission(evidence=False)), known=known).marks == ()


def test_the_clock_can_be_given():
    early = datetime(2025, 1, 1, tzinfo=UTC)
    assert validate(raw(submission()), known=StoreContents(now=early)).problems[0].path == "$.created"


def test_the_schema_is_the_published_one_and_names_no_correlation(request):
    published = request.config.rootpath / "docs" / "submission.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == schema()
    assert schema()["additionalProperties"] is False
    fields = {name for part in schema()["$defs"].values() for name in part.get("properties", ())}
    assert not fields & {"r", "pearson", "spearman", "kendall", "r2", "correlation", "agreements"}


def test_an_interval_that_lacks_an_end_is_a_problem_with_its_place():
    values = plain(submission())
    values["transfer"]["domains"][0]["interval"].pop()
    assert refused(values)["$.transfer.domains[0].interval[1]"].strip() == "it is missing; add it"
