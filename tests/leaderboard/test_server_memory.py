"""What calls leave behind in a server: nothing; and a visitor whose session was forgotten goes on."""

from pathlib import Path

from helpers.board import fill
from helpers.visitor import Visitor, served

from sts_eval.store.store import Store
from sts_leaderboard.app import MOST_SESSIONS

WARM, CALLS = 300, 300
MOST = 3.0  # MiB: of 1,000 calls under 10


def resident(process: int) -> float:
    """Memory of a process, in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def test_calls_leave_nothing_behind(tmp_path):
    names = fill(Store(str(tmp_path / "store")))
    with served("--store", str(tmp_path / "store")) as (address, process):
        program = Visitor(address)
        plan = [("runs", ["measured", "", 1]), ("points", [names[0]]), ("run", [names[1]]), ("run", [3])]

        def calls(number):
            for place in range(number):
                how, _ = program.call(*plan[place % len(plan)])
                assert how == ("error" if place % len(plan) == 3 else "complete")

        calls(WARM)
        before = resident(process)
        calls(CALLS)
        assert resident(process) - before < MOST


def test_a_visitor_whose_session_was_forgotten_goes_on(serve, tmp_path):
    """The choices of a control are those of the session: another one has none."""
    store = Store(str(tmp_path))
    fill(store)
    address = serve(store)
    ada = Visitor(address)
    ada.send("runs", "select")
    labels = ada.inputs("family", "input")
    chosen = [["Qwen"] if one == "Family" else value for one, value in zip(labels, first_values(), strict=True)]
    shown = ada.send("family", "input", chosen)
    for _ in range(MOST_SESSIONS + 1):
        Visitor(address).send("runs", "select")
    assert ada.send("family", "input", chosen) == shown


def first_values():
    """What Runs sends before anything is chosen: what all tabs share, which is nothing yet, and its controls."""
    from sts_leaderboard.pages.runs import DEFAULTS

    return ["", *(list(one) if isinstance(one, tuple) else one for one in DEFAULTS.values())]
