"""Wrong arguments of the named endpoints: one line that says which it is, whoever calls."""

import httpx
import pytest
from helpers.board import fill
from helpers.visitor import Visitor

from sts_eval.store.store import Store

TEXT = (None, 3, 2.5, True, [], ["a"], {}, {"a": 1}, "x" * 100_000, 1e300)
WHOLE = (None, 2.5, True, [], ["a"], {}, {"a": 1}, "1", "", "x" * 100_000, 1e300)
YES = (None, 0, 1, 2.5, [], ["a"], {}, {"a": 1}, "true", "", "x" * 100_000)
WORD = (*TEXT, "", "Measured", "no such origin")

# Endpoint, and for each argument its name, a good value and bad ones.
ARGUMENTS = {
    "runs": (("origin", "measured", WORD), ("search", "", TEXT), ("page", 1, WHOLE)),
    "run": (("sha256", "abc", TEXT),),
    "points": (("sha256", "abc", TEXT),),
    "predictors": (("origin", "measured", WORD), ("benchmark", "", TEXT), ("unchecked", False, YES)),
}

WRONG = [
    pytest.param(
        name, [*(one[1] for one in wanted[:place]), bad, *(one[1] for one in wanted[place + 1 :])], wanted[place][0]
    )
    for name, wanted in ARGUMENTS.items()
    for place in range(len(wanted))
    for bad in wanted[place][2]
]


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    made = Store(str(tmp_path_factory.mktemp("store")))
    fill(made)
    return serve(made)


@pytest.fixture(scope="module")
def visitor(address):
    return Visitor(address)


def test_all_endpoints_and_arguments_are_tried(address):
    client = pytest.importorskip("gradio_client").Client(address, verbose=False)
    named = client.view_api(return_format="dict")["named_endpoints"]
    asked = {name.strip("/"): [one["parameter_name"] for one in api["parameters"]] for name, api in named.items()}
    assert asked == {name: [one[0] for one in wanted] for name, wanted in ARGUMENTS.items()}


@pytest.mark.parametrize(("endpoint", "values", "argument"), WRONG)
def test_a_value_of_another_type_is_told_with_the_name_of_the_argument(visitor, endpoint, values, argument, capfd):
    how, told = visitor.call(endpoint, values)
    assert how == "error"
    assert told["error"].startswith(f"{argument}: it should ")
    assert "\n" not in told["error"]
    assert len(told["error"]) < 200
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("endpoint", ARGUMENTS)
def test_missing_and_extra_arguments_are_told_with_those_that_are_wanted(visitor, endpoint, capfd):
    good = [one[1] for one in ARGUMENTS[endpoint]]
    names = ", ".join(one[0] for one in ARGUMENTS[endpoint])
    for place, (name, *_) in enumerate(ARGUMENTS[endpoint]):
        told = visitor.call(endpoint, good[:place])
        assert told[0] == "error"
        assert told[1]["error"] == f"{name}: it is missing; the arguments are {names}, in this order"
    told = visitor.call(endpoint, [*good, 1])
    assert told[1]["error"] == f"{len(good) + 1} arguments are too many; the arguments are {names}, in this order"
    assert "Traceback" not in "".join(capfd.readouterr())


def test_good_values_are_answered(visitor):
    assert visitor.call("runs", ["published", "", 1])[1][0]["found"] == 1
    assert visitor.call("predictors", ["measured", "none", True]) == ("complete", [{"tables": [], "runs": []}])


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("v2/runs", {"nope": 1}, 422, "`nope`"),
        ("v2/run", {}, 422, "sha256"),
        ("v2/nothing", {}, 404, "no such endpoint"),
        ("nothing", {"data": []}, 404, "no such endpoint"),
        ("runs", {"data": 3}, 422, "data"),
        ("runs", [1], 422, "dict"),
    ],
)
def test_what_is_no_call_is_refused_in_words(address, path, body, status, says, capfd):
    answer = httpx.post(f"{address}gradio_api/call/{path}", json=body, timeout=60)
    assert answer.status_code == status
    assert says in answer.text
    assert "Traceback" not in "".join(capfd.readouterr())


def test_an_assistants_wrong_argument_is_told_by_the_same_line(address):
    client = pytest.importorskip("gradio_client").Client(address, verbose=False)
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match="page: it should be a valid integer"):
        client.predict("measured", "", "two", api_name="/runs")


def test_a_path_in_an_answer_is_no_file_of_the_server(tmp_path):
    """gradio copies the files that an answer names to where everybody can fetch them."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from sts_leaderboard import app

    secret = tmp_path / "owner.key"
    secret.write_text("secret")
    named = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    blocks = app.build(Store(str(tmp_path / "store")))
    (run,) = (one for one in blocks.fns.values() if one.api_name == "run")

    def answers(sha256: str):
        return {"named": named}

    run.fn = answers
    called = blocks.process_api(block_fn=run, inputs=["abc"], root_path="http://here")
    with ThreadPoolExecutor(1) as pool:  # this thread may have the loop of another test's browser
        answer = pool.submit(asyncio.run, called).result()
    assert answer["data"] == [{"named": named}]
