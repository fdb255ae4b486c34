"""What a request may send: bodies without end, slow ones, and values that no control has."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from sts_leaderboard import downloads, escaping
from sts_leaderboard.page import FIRST, TABS, tab_of
from sts_leaderboard.request_limits import MOST_REQUEST_BYTES, RequestLimits
from sts_leaderboard.url_state import LARGEST, LONGEST, MOST, as_value


async def echo(scope, receive, send):
    """Reads the whole body, as every handler does, and says how long it was."""
    read, more = 0, True
    while more:
        message = await receive()
        read, more = read + len(message["body"]), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(read).encode()})


async def muddled(scope, receive, send):
    """Makes an answer of its own of whatever goes wrong while it reads, as FastAPI does."""
    try:
        await echo(scope, receive, send)
    except Exception:
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"wrong"})


def asked(app, parts, *, declared=None, pause=0.0, most=1000, seconds=5.0):
    """The status and the body of an answer, and how many parts of the request were read."""
    sent, left = [], list(parts)

    async def receive():
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    answering = RequestLimits(app, most, seconds)({"type": "http", "headers": headers}, receive, send)
    with ThreadPoolExecutor(1) as pool:  # this thread may have the loop of another test's browser
        pool.submit(asyncio.run, answering).result()
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent), len(parts) - len(left)


@pytest.mark.parametrize("app", [echo, muddled])
def test_a_body_that_is_too_large_is_refused_and_another_is_read(app):
    assert asked(app, [b"x" * 400, b"x" * 600]) == (200, b"1000", 2)
    status, told, read = asked(app, [b"x" * 400] * 9)
    assert (status, read) == (413, 3)
    assert b"may have 1,000 bytes" in told
    assert asked(app, [b"x"], declared=50_000_000)[0::2] == (413, 0)
    assert MOST_REQUEST_BYTES < 50_000_000


@pytest.mark.parametrize("app", [echo, muddled])
def test_a_body_that_does_not_come_is_cut_off_and_a_late_one_is_read(app):
    assert asked(app, [b"x"] * 3, pause=0.01)[0] == 200
    status, told, _ = asked(app, [b"x"] * 3, pause=60.0, seconds=0.05)
    assert status == 408
    assert b"send it again" in told


@pytest.mark.parametrize(
    ("given", "default", "read"),
    [
        ("x" * 10_000_000, "", "x" * LONGEST),
        ({"a": 1}, "", "{'a': 1}"),
        (["y" * 1000] * 1000, (), ("y" * LONGEST,) * MOST),
        (5, ("a",), ("a",)),
        ({"a": 1}, ("a",), ("a",)),
        (float("nan"), 1, 1),
        (1e308, 1, LARGEST),
        ("two", 1, 1),
        ([], 1, 1),
        (3.0, 1, 3),
        ("no", False, True),
        ("limo", "", "limo"),
        (["law", "math"], (), ("law", "math")),
    ],
)
def test_a_value_that_no_control_has_becomes_one_that_it_has(given, default, read):
    """What a page shows is kept by its state, 64 times: of values without end these were gigabytes."""
    assert as_value(given, default) == read


def test_an_address_of_no_tab_opens_the_first():
    assert [tab_of([("tab", name)]) for name in ("nothing", "__proto__", "")] == [FIRST] * 3
    assert [tab_of([("tab", name)]) for name in TABS] == list(TABS)


@pytest.mark.parametrize("text", ["\uff1d1+1", "\uff20SUM(1)", "a;=1+1", 'a;"=1+1', "a| @SUM(1)", " =1"])
def test_wide_signs_and_cells_within_a_cell_are_no_formulas(text):
    import pandas as pd

    line = downloads.csv(pd.DataFrame({"name": [text]})).decode().split("\n")[1]
    for cell in line.replace('"', "").replace("|", ";").split(";"):
        assert not cell.strip().startswith(escaping.FORMULA)
    honest = "a-b; c, d = 1 + 2"
    assert escaping.spreadsheet(honest) == honest
