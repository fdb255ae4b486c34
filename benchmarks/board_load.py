"""Does the leaderboard hold its promises at 10,000 runs?

    python benchmarks/board_load.py [--runs 10000] [--browser] [--keep FOLDER] [--write]

Makes a store of so many submissions (benchmarks/board_store.py). Their files and ledger entries are written directly;
only `--submitted` more are handed in one by one, as users do, for the rate. The snapshot judges every file as
`validate` does, and the script stops where one is refused.

Then, each in a fresh process: the snapshot is made, the tables are loaded from it, every filter of Runs and Explore is
set (20 times, fewer where it is slow, each time with other values, through the handler that the page calls), and with
`--browser` a real chromium opens the page. `--keep` keeps the store, or takes the one that is there; `--write` keeps
the table in results/. Many clients at once: benchmarks/board_clients.py.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from board_figures import Figure, goal, machine, rows, seconds, timed
from board_store import canonical, submissions, write_store

RESULT = Path(__file__).resolve().parent / "results" / "board_load.md"

TIMES = 20
"""How often a filter is set."""

FEWEST_TIMES, PATIENCE = 5, 6.0
"""Of a filter that misses its goal by far: so often, and no more once it took so many seconds."""

CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    """Make the store, measure, print, and keep the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--submitted", type=int, default=300, help="handed in one by one, for the rate")
    parser.add_argument("--browser", action="store_true", help="time a real chromium, too")
    parser.add_argument("--keep", type=Path, help="folder of the store")
    parser.add_argument("--write", action="store_true", help="keep the table in results/")
    parser.add_argument("--stage", choices=list(STAGES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        json.dump([asdict(one) for one in STAGES[arguments.stage](arguments.keep)], sys.stdout)
        return
    with tempfile.TemporaryDirectory(prefix="sts-board-load-") as temporary:
        folder = arguments.keep or Path(temporary) / "store"
        if not (folder / "submissions").is_dir():
            write_store(folder, arguments.runs)
        figures = handed_in(folder, arguments.submitted) if arguments.submitted else []
        for stage in STAGES:
            if stage != "browser" or arguments.browser:
                figures += apart(stage, folder)
                print(f"{stage}: {figures[-1].what}: {figures[-1].value}", file=sys.stderr)
        number = len(list((folder / "submissions").iterdir()))
    table = as_table(figures, number)
    print(table)
    if arguments.write:
        from sts_eval.records.record import write_atomically

        write_atomically(RESULT, table)


def handed_in(folder: Path, number: int) -> list[Figure]:
    """Hand in so many as users do."""
    from sts_eval.store.store import Store

    store = Store(str(folder))
    wanted = [canonical(one) for one in submissions(number, seed=int(time.time()))]
    start = time.perf_counter()
    for raw in wanted:
        receipt = store.submit(raw)
        if not receipt.added:
            raise SystemExit(f"refused: {[str(one) for one in receipt.problems]}")
    rate = number / (time.perf_counter() - start)
    return [Figure(f"handed in one by one ({number}), a second", f"{rate:,.0f}")]


def snapshot_built(folder: Path) -> list[Figure]:
    """The whole snapshot from all files, then again with one more submission."""
    from sts_eval.store import snapshot
    from sts_eval.store.store import Store

    (folder / snapshot.NAME).unlink(missing_ok=True)
    whole, board = timed(Store(str(folder)).board)
    if board.left_out:
        raise SystemExit(f"{len(board.left_out)} were refused: {next(iter(board.left_out.items()))}")
    store = Store(str(folder))
    store.board()
    store.submit(canonical(next(submissions(1, seed=time.time_ns()))))
    more, _ = timed(store.board)
    size = (folder / snapshot.NAME).stat().st_size / 2**20
    return [
        Figure(f"snapshot from all files ({size:,.0f} MiB)", seconds(whole)),
        Figure("snapshot with one more submission", seconds(more)),
    ]


def loaded(folder: Path) -> list[Figure]:
    """The tables from the snapshot, in this fresh process."""
    from sts_eval.store.store import Store

    store = Store(str(folder))
    load, board = timed(store.board)
    runs, _ = timed(lambda: board.runs)
    points, _ = timed(lambda: board.points)
    return [
        goal("all submissions from the snapshot, with the table of runs", load + runs, 2.0),
        Figure("the table of points (first visit of Explore)", seconds(points)),
    ]


def handlers(folder: Path) -> list[Figure]:
    """Every filter, through the functions that the page calls."""
    from sts_eval.store.store import Store
    from sts_leaderboard import app
    from sts_leaderboard.page import Page
    from sts_leaderboard.run_selection import ALL

    rng = random.Random(0)  # noqa: S311 - nor are filters
    kept: dict[str, Any] = {}
    original = Page.wire

    def wire(page: Any, *arguments: Any) -> None:
        kept[page.name] = page
        original(page, *arguments)

    Page.wire = wire  # type: ignore[method-assign]  # the pages are local to `build`
    app.build(Store(str(folder)))
    figures = []
    for name in ("runs", "explore"):
        page = kept[name]
        page.show(page.defaults)  # the tables are there from the first visit on
        offered = page.offered()
        spent, _ = timed(page.offered)
        figures.append(goal(f"{name}: what can be chosen", spent, 0.3))
        for control, default in page.defaults.items():
            taken: list[float] = []
            while len(taken) < TIMES and not (len(taken) >= FEWEST_TIMES and sum(taken) > PATIENCE):
                wanted = drawn(control, default, offered, rng)
                taken.append(timed(page.show, {**page.defaults, control: wanted})[0])
            figures.append(goal(f"{name}: {control}", statistics.median(taken), 0.3, worst=max(taken)))
    page = kept["predictors"]
    state = {**page.defaults, "evidence": ALL}  # nobody has checked a run of this store
    first, _ = timed(page.show, state)
    figures.append(goal("predictors: what is shown at once", first, 0.3))
    start = time.perf_counter()
    while not page.show(state)[page.outputs[1]]:  # the answers
        time.sleep(0.1)
    figures.append(Figure("predictors: until the comparison is there", seconds(time.perf_counter() - start + first)))
    again = [timed(page.show, state)[0] for _ in range(TIMES)]
    figures.append(goal("predictors: finished comparison", statistics.median(again), 0.3, worst=max(again)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [*figures, Figure("memory of the server after all this, at its peak", f"{peak:.1f} GiB")]


def drawn(control: str, default: Any, offered: dict[str, list[str]], rng: random.Random) -> Any:
    """A value that a visitor may set."""
    if control == "search":
        return rng.choice(["model-3", "set-7 llama", "lab 12", "ab", "nobody", f"org/model-{rng.randrange(80)}"])
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return rng.randrange(1, 100)
    choices = offered[control]
    if isinstance(default, tuple):
        return tuple(rng.sample(choices, min(len(choices), rng.randrange(1, 4))))
    return rng.choice(choices)


def in_browser(folder: Path) -> list[Figure]:
    """A cold server and a cold chromium: first paint, and the first table with rows."""
    from playwright.sync_api import sync_playwright

    script = "import sys; from sts_eval.cli import main; sys.argv[0] = 'sts-eval'; main()"
    port = 7900 + os.getpid() % 90
    command = [sys.executable, "-c", script, "board", "--store", str(folder), "--port", str(port)]
    figures = []
    start = time.perf_counter()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as server:  # noqa: S603 - our own command
        try:
            address = f"http://127.0.0.1:{port}/"
            answered(address, server)
            figures.append(
                Figure("`sts-eval board`: from the command until it answers", seconds(time.perf_counter() - start))
            )
            with sync_playwright() as started:
                for visit in ("cold", "second visitor"):
                    browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
                    opened = browser.new_page()
                    begin = time.perf_counter()
                    opened.goto(f"{address}?tab=runs", wait_until="commit")
                    row = opened.locator("#runs-table").get_by_text(re.compile(r"model-\d+")).locator("visible=true")
                    row.first.wait_for(timeout=60_000)
                    filled = time.perf_counter() - begin
                    paint = opened.evaluate(PAINT) / 1000
                    figures += [
                        goal(f"browser, {visit}: first paint", paint, 3.0),
                        Figure(f"browser, {visit}: until the table of runs is filled", seconds(filled)),
                    ]
                    browser.close()
            status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
            memory = int(status.partition("VmRSS:")[2].split()[0]) / 2**20
            figures.append(Figure("memory of the server after two visits of Runs", f"{memory:.1f} GiB"))
        finally:
            server.terminate()
    return figures


PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


def answered(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    import urllib.error
    import urllib.request

    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}config"):  # noqa: S310 - our own server
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise SystemExit("the server stopped")


STAGES: dict[str, Callable[[Path], list[Figure]]] = {
    "snapshot": snapshot_built,
    "load": loaded,
    "handlers": handlers,
    "browser": in_browser,
}
"""Each runs in a process of its own."""


def apart(stage: str, folder: Path) -> list[Figure]:
    """A stage in a fresh process."""
    command = [sys.executable, __file__, "--stage", stage, "--keep", str(folder)]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - this file
    return [Figure(**one) for one in json.loads(found.stdout)]


def as_table(figures: list[Figure], number: int) -> str:
    """All figures as Markdown."""
    return (
        f"# The leaderboard with {number:,} runs\n\n"
        f"Made by `python benchmarks/board_load.py --browser --write` on {machine()}. "
        f"Filters are medians of {TIMES} (of {FEWEST_TIMES} where they are slow) with their worst, and hold "
        f"where the median does; the rest was measured once.\n\n{rows(figures)}\n"
    )


if __name__ == "__main__":
    main()
