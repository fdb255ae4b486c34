"""Does the leaderboard answer many clients at once, and does its memory stay flat?

    python benchmarks/board_clients.py [--beside CHECKOUT] [--store FOLDER] [--clients 30] [--seconds 30] [--write]

Serves the shipped store, or that of `--store`, by `sts-eval board` in a process of its own, on this checkout and, in
turn, on the one of `--beside`, and of each takes

- the processor time that the server spends on a visit (the page itself and all events of its loading) and on a call
  of each named endpoint, which hardly depends on what else the machine does;
- `--clients` visitors and programs at once for so long, each beginning anew as soon as it was answered. A third of
  them visit; the others call the named endpoints in turn, each call a session of its own;
- 1,000 calls one after the other, and what memory they leave behind;
- with `--browser`, a real chromium: until the ranking can be seen.

`--write` keeps the table in results/.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from board_figures import Figure, machine, rows, seconds

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "board_clients.md"
CHROMIUM = "/usr/bin/chromium"

WARM, CALLS = 100, 1000
MOST_GROWTH = 10.0  # MiB
MOST_WAIT = 2.0  # Seconds, of 95 in a hundred answers, and until the ranking is there.
COUNTED = 20  # Times that the processor time of one thing is taken.
PATIENCE = 300.0

Answered = Callable[[], object]  # Something to ask for, until it is answered.


def main() -> None:
    """Measure, print, and keep the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="another checkout, measured in turn with this one")
    parser.add_argument("--store", type=Path, help="by default the one that the page comes with")
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--browser", action="store_true", help="time a real chromium, too")
    parser.add_argument("--write", action="store_true", help="keep the table in results/")
    given = parser.parse_args()
    tables = []
    for name, checkout in (("before", given.beside), ("this version", HERE.parent)):
        if checkout is not None:
            with served(checkout, given.store) as board:
                figures = board.spent() + board.crowd(given.clients, given.seconds) + board.memory(given.calls)
                figures += board.seen() if given.browser else []
            tables.append(f"## {name.capitalize()}\n\n{rows(figures)}\n")
            print(tables[-1])
    words = " ".join(sys.argv[1:]).replace(str(given.beside), "CHECKOUT")
    head = (
        f"# Many clients of the leaderboard\n\nMade by `python benchmarks/board_clients.py {words}` on {machine()}.\n\n"
    )
    if given.write:
        from sts_eval.records.record import write_atomically

        write_atomically(RESULT, head + "\n".join(tables))


class Board:
    """A served board, at an address and in a process."""

    def __init__(self, address: str, process: int) -> None:
        self._address, self._process = address, process
        self._http = httpx.Client(base_url=address, timeout=PATIENCE, limits=httpx.Limits(max_connections=None))
        dependencies = self._http.get("config").json()["dependencies"]
        self._loading = [one for one in dependencies if any(event == "load" for _, event in one["targets"])]
        run = self._call("runs", ["measured", "", 1])["runs"][0]["sha256"]
        self._calls: dict[str, Answered] = {
            "runs": lambda: self._call("runs", ["measured", "", 1]),
            "run": lambda: self._call("run", [run]),
            "points": lambda: self._call("points", [run]),
            "predictors": lambda: self._call("predictors", ["measured", "", False]),
        }
        for one in (*self._calls.values(), self._visit):
            one()  # comparisons are made, tables are there

    def spent(self) -> list[Figure]:
        """Processor time of the server for a visit and for a call of each endpoint."""
        figures = []
        for name, ask in {"a visit": self._visit, **self._calls}.items():
            start = self._processor_seconds()
            for _ in range(COUNTED):
                ask()
            each = (self._processor_seconds() - start) / COUNTED
            what = name if name == "a visit" else f"a call of `{name}`"
            figures.append(Figure(f"processor time of the server for {what}, mean of {COUNTED}", seconds(each)))
        return figures

    def crowd(self, clients: int, length: float) -> list[Figure]:
        """How long so many clients at once wait."""
        taken: list[float] = []
        over = time.perf_counter() + length

        def client(number: int) -> None:
            plan = itertools.cycle([self._visit] if number % 3 == 0 else self._calls.values())
            for ask in itertools.islice(plan, number, None):
                start = time.perf_counter()
                if start > over:
                    return
                ask()
                taken.append(time.perf_counter() - start)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        middle, high = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
        what = f"{clients} clients for {length:.0f} s"
        return [
            Figure(f"{what}: answers", f"{len(taken):,}"),
            Figure(f"{what}: median", seconds(middle)),
            Figure(f"{what}: 95th percentile", seconds(high), f"under {seconds(MOST_WAIT)}", high < MOST_WAIT),
        ]

    def memory(self, calls: int) -> list[Figure]:
        """What calls leave behind."""
        plan = itertools.cycle([self._calls["runs"], self._calls["run"], self._calls["points"]])
        for ask in itertools.islice(plan, WARM):
            ask()
        before = self._resident()
        for ask in itertools.islice(plan, calls):
            ask()
        grown, most = self._resident() - before, MOST_GROWTH * calls / CALLS
        growth = Figure(
            f"growth of memory over {calls:,} calls, {WARM} before them", f"{grown:.1f} MiB", f"under {most:g} MiB"
        )
        return [
            Figure(growth.what, growth.value, growth.goal, grown < most),
            Figure("memory of the server after them", f"{self._resident():.0f} MiB"),
        ]

    def seen(self) -> list[Figure]:
        """A real browser, its files kept from visit to visit: until a predictor of the ranking can be seen."""
        from playwright.sync_api import sync_playwright

        figures = []
        with tempfile.TemporaryDirectory() as profile, sync_playwright() as started:
            flags = ["--no-sandbox", "--disable-gpu"]
            browser = started.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, args=flags)
            for visit in ("first", "second", "third"):
                page = browser.new_page()
                start = time.perf_counter()
                page.goto(self._address, wait_until="commit")
                named = page.get_by_text(re.compile("sts.icl", re.IGNORECASE)).locator("visible=true")
                named.first.wait_for(timeout=PATIENCE * 1000)
                taken = time.perf_counter() - start
                goal = f"under {seconds(MOST_WAIT)}"
                figures.append(Figure(f"browser, {visit} visit: ranking seen", seconds(taken), goal, taken < MOST_WAIT))
                page.close()
            browser.close()
        return figures

    def _call(self, endpoint: str, values: list[object]) -> dict[str, list[dict[str, str]]]:
        event = self._http.post(f"gradio_api/call/{endpoint}", json={"data": values}).json()["event_id"]
        answer = self._http.get(f"gradio_api/call/{endpoint}/{event}").text
        how, data = answer.split("\n")[:2]
        if how != "event: complete":
            raise SystemExit(f"{endpoint}: {answer[:300]}")
        found: dict[str, list[dict[str, str]]] = json.loads(data.removeprefix("data: "))[0]
        return found

    def _visit(self) -> None:
        session = uuid.uuid4().hex[:11]
        self._http.get("").raise_for_status()
        waiting = set()
        for one in self._loading:
            body = {"data": [None] * len(one["inputs"]), "fn_index": one["id"], "session_hash": session}
            waiting.add(self._http.post("gradio_api/queue/join", json=body).json()["event_id"])
        with self._http.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {"msg": ""}
                if message["msg"] == "process_completed":
                    if not message["success"]:
                        raise SystemExit(f"a visit failed: {line[:300]}")
                    waiting.discard(message["event_id"])
                if not waiting:
                    return

    def _processor_seconds(self) -> float:
        fields = Path(f"/proc/{self._process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _resident(self) -> float:
        status = Path(f"/proc/{self._process}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def served(checkout: Path, store: Path | None) -> Iterator[Board]:
    """The board of a checkout, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = "import sys; from sts_eval.cli import main; sys.argv[0] = 'sts-eval'; main()"
    command = [sys.executable, "-c", script, "board", "--port", str(port)]
    command += ["--store", str(store.resolve())] if store else []
    places = os.pathsep.join(str(checkout.resolve() / one) for one in (".", "leaderboard"))
    environment = {**os.environ, "PYTHONPATH": places}
    with subprocess.Popen(command, stdout=sys.stderr, env=environment) as server:  # noqa: S603 - our own command
        try:
            address = f"http://127.0.0.1:{port}/"
            while server.poll() is None:
                try:
                    httpx.get(f"{address}config", timeout=PATIENCE)
                    break
                except httpx.TransportError:
                    time.sleep(0.5)
            yield Board(address, server.pid)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
