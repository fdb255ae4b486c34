"""A thousand submissions that were tampered with: none gets in, and the store does not change."""

import copy
import json
from typing import NamedTuple

import pytest
from helpers.submissions import plain, prediction, raw, submission
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sts_eval.store.store import Store
from sts_eval.submission.validate import StoreContents, validate

WHOLE = plain(submission())

JUNK = [
    None,
    True,
    0,
    -1,
    10**30,
    1e308,
    -0.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../../etc/passwd",
    "/etc/passwd",
    "a\\b",
    "\x00",
    "\ud800",
    "<img src=x onerror=alert(1)>",
    "${7*7}",
    "{{7*7}}",
    "=HYPERLINK(1)",
    "@SUM(1)",
    "javascript:alert(1)",
    [],
    {},
    [[]],
    {"a": 1},
    {"__proto__": {}},
]

FREE = {
    ("origin",): (),
    ("submitter",): ("x",),
    ("model", "id"): ("x",),
    ("model", "revision"): ("x", None),
    ("model", "family"): ("x", None),
    ("model", "parameters"): (0, None),
    ("sae", "release"): ("x", None),
    ("sae", "id"): ("x", None),
    ("sae", "architecture"): ("x", None),
    ("sae", "neuronpedia_id"): ("x", None),
    ("training_set", "id"): ("x",),
    ("training_set", "revision"): ("x", None),
    ("benchmark",): ("x",),
    ("provenance", "versions"): ({},),
    ("provenance", "versions", "torch"): ("x", 0.0),
    ("provenance", "hardware"): ("any line", None),
    ("provenance", "command"): ("any line", None),
    ("provenance", "url"): (None,),
    ("outcome", "model"): ("x",),
    ("outcome", "training_set"): ("x",),
    ("outcome", "home"): ([],),
    ("outcome", "home", 0): ("x",),
    ("outcome", "post_hoc"): (True,),
}
"""What nothing attached can contradict, and which of the junk is right there. All of the oracle's scores are free too:
the tuned model that they were read from is not attached."""

ORACLE = ("outcome", "predictors", 4)

HOSTILE = ("<", "{", "\x00", "..", "\\", "\ud800", "=", "@", "javascript:", "/etc")


def paths(value, path=()):
    """Every place in plain JSON."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(len(value), 6)):
            yield from paths(value[index], (*path, index))


class Tampered(NamedTuple):
    """What was done where, and the file."""

    path: tuple[str | int, ...]
    kind: str
    values: dict

    def __repr__(self) -> str:
        return f"{self.kind} at {self.path}"


PLACES = sorted(paths(WHOLE), key=str)


@st.composite
def tampered(draw):
    """A place, what was done there, and the file. Places are drawn by their section first: most are in the evidence."""
    section = draw(st.sampled_from(sorted({path[0] for path in PLACES})))
    path = draw(st.sampled_from([path for path in PLACES if path[0] == section]))
    values = copy.deepcopy(WHOLE)
    inner = values
    for step in path[:-1]:
        inner = inner[step]
    old = inner[path[-1]]
    kind = draw(st.sampled_from(["replace", "remove", "extra", "twice", "shift"]))
    if kind == "remove":
        del inner[path[-1]]
    elif kind == "extra" and isinstance(old, dict):
        old[draw(st.sampled_from(["extra", "<b>", "..", "__class__"]))] = draw(st.sampled_from([0, "x", None]))
    elif kind == "twice" and isinstance(old, list) and old:
        old.append(copy.deepcopy(draw(st.sampled_from(old))))
    elif kind == "shift" and type(old) in (int, float):
        inner[path[-1]] = old + draw(st.sampled_from([1, -1, 0.25, 1000]))
    else:
        kind, inner[path[-1]] = "replace", draw(st.sampled_from(JUNK))
    return Tampered(path, kind, values)


def is_free(path, values):
    """Whether the change is one that a submitter may make, judged without the code under test."""
    if path[:3] == ORACLE or path == ("outcome", "predictors"):
        return True
    if path == ("provenance", "versions") or path[:2] == ("provenance", "versions"):
        return not any(
            sign in json.dumps(values["provenance"]["versions"]) for sign in ("<", "{}{", "..", "/etc", "\\")
        )
    inner = values
    for step in path:
        try:
            inner = inner[step]
        except (KeyError, IndexError):
            return path == ("outcome", "home", 0)
    if path in FREE and isinstance(inner, str):
        line = path[-1] in ("hardware", "command")
        return line or not any(sign in inner for sign in HOSTILE)
    return path in FREE and (inner in FREE[path] or isinstance(inner, int | list))


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    store = Store(str(folder))
    store.preregister(prediction(), by="Ada")
    assert store.submit(raw(submission())).added
    store.board()
    return store, folder, contents(folder)


@settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(tampered())
def test_nothing_tampered_with_is_taken(filled, change):
    store, _, _ = filled
    path, _, values = change
    known = store.known()
    content = json.dumps(values).encode()
    verdict = validate(content, known=StoreContents(registered=known.registered))
    if verdict.accepted:
        same = json.loads(verdict.submission.canonical()) == WHOLE
        if not same and not is_free(path, values):
            pytest.fail(f"{change} was accepted")
    else:
        assert all(problem.path.startswith("$") and problem.message for problem in verdict.problems)
        receipt = store.submit(content)
        assert (receipt.added, receipt.sha256) == (False, None)


def test_the_store_is_byte_for_byte_what_it_was(filled):
    _, folder, before = filled
    assert contents(folder) == before


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps({"origin": text}).encode()))
def test_no_bytes_make_it_raise(content):
    assert not validate(content).accepted
