"""Does the leaderboard hold its promises at 10,000 runs?

    python benchmarks/board_load.py [--runs 10000] [--browser] [--keep FOLDER] [--write]

Makes a store of so many submissions out of the lab's runs (benchmarks/results/lab_matrix.jsonl): other models, SAEs,
training sets, seeds and dates, changes drawn per domain from the lab's runs, scores with noise. Their files and ledger
entries are written directly; only `--submitted` more are handed in one by one, as users do, for the rate. The snapshot
judges every file as `validate` does, and the script stops where one is refused.

Then, each in a fresh process: the snapshot is made, the tables are loaded from it, every filter of Runs and Explore is
set (20 times, fewer where it is slow, each time with other values, through the handler that the page calls), and with
`--browser` a real chromium opens the page. `--keep` keeps the store, or takes the one that is there; `--write` keeps
the table in results/.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MATRIX = HERE / "results" / "lab_matrix.jsonl"
RESULT = HERE / "results" / "board_load.md"

FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
FAMILIES = ("Llama", "Qwen", "Gemma", "Mistral", "Phi", "OLMo", "Pythia", "Falcon", "Granite", "SmolLM")
SIZES = (500_000_000, 1_500_000_000, 3_000_000_000, 8_000_000_000, 14_000_000_000, 32_000_000_000, 70_000_000_000)
SETS = 120
RELEASES = ("gemma-scope", "llama-scope", "qwen-scope", "pythia-saes", None)
WIDTHS = (16_384, 32_768, 65_536, 131_072)

TIMES = 20
"""How often a filter is set."""

FEWEST_TIMES, PATIENCE = 5, 6.0
"""Of a filter that misses its goal by far: so often, and no more once it took so many seconds."""

CHROMIUM = "/usr/bin/chromium"


@dataclass(frozen=True)
class Figure:
    """A line of the table.

    Attributes:
        what: What was measured.
        value: With its unit.
        goal: What was promised; empty where nothing was.
        held: Whether it holds; None where nothing was promised.
    """

    what: str
    value: str
    goal: str = ""
    held: bool | None = None


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
        figures = [] if (folder / "submissions").is_dir() else made(folder, arguments.runs)
        figures += handed_in(folder, arguments.submitted) if arguments.submitted else []
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


def made(folder: Path, runs: int) -> list[Figure]:
    """Write so many submissions and their ledger entries."""
    start = time.perf_counter()
    for place in ("submissions", "ledger"):
        (folder / place).mkdir(parents=True)
    n_bytes = 0
    for number, submission in enumerate(submissions(runs)):
        content = canonical(submission)
        sha256 = hashlib.sha256(content).hexdigest()
        (folder / "submissions" / f"{sha256}.json").write_bytes(content)
        n_bytes += len(content)
        when = FIRST_DAY + timedelta(minutes=45 * number)
        entry = {
            "schema_version": 1,
            "action": "accepted",
            "submission": sha256,
            "when": when.isoformat(timespec="seconds"),
            "by": submission["submitter"],
            "why": "self_reported",
            "other": None,
        }
        name = f"{when:%Y%m%dT%H%M%S%fZ}-accepted-{sha256[:16]}-{uuid.uuid4().hex}.json"
        (folder / "ledger" / name).write_bytes(canonical(entry))
    print(f"{runs:,} files, {n_bytes / 2**20:,.0f} MiB, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return []


def submissions(runs: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Submissions as JSON's own values, no two of one model, SAE and training set.

    Args:
        runs: How many.
        seed: Of everything that is drawn.
    """
    rng = random.Random(seed)  # noqa: S311 - made-up runs are no secret
    lab = [json.loads(line) for line in MATRIX.read_text(encoding="utf-8").splitlines()]
    for number in range(runs):
        base = rng.choice(lab)
        # 120 sets by 84 models: some runs differ in their SAE alone, as on a real board.
        model, family = f"model-{number // SETS}", FAMILIES[number // SETS % len(FAMILIES)]
        training_set, layer = f"set-{number % SETS}", 4 * rng.randrange(1, 9)
        domains = [
            dict(next(one for one in rng.choice(lab)["domains"] if one["domain"] == domain["domain"]))
            for domain in base["domains"]
        ]
        said = [
            {
                **one,
                "scores": {name: float(f"{score * rng.gauss(1, 0.2):.6g}") for name, score in one["scores"].items()},
            }
            for one in base["said"]
        ]
        created = (FIRST_DAY + timedelta(minutes=45 * number)).isoformat(timespec="seconds")
        yield {
            "schema_version": 1,
            "origin": "measured" if number % 10 else "imported",
            "submitter": f"lab {rng.randrange(200)}",
            "created": created,
            "model": {
                "id": f"org/{model}",
                "revision": None,
                "family": family,
                "parameters": SIZES[number // SETS % len(SIZES)],
            },
            "sae": {
                "release": rng.choice(RELEASES),
                "id": None,
                "architecture": "topk",
                "d_sae": rng.choice(WIDTHS),
                "layer": layer,
                "hook_name": f"blocks.{layer}.hook_resid_post",
                "neuronpedia_id": None,
            },
            "training_set": {"id": f"org/{training_set}", "revision": None, "rows": 817},
            "benchmark": "mmlu_pro" if number % 5 else "bbh",
            "provenance": {"versions": {}, "hardware": None, "command": None, "url": None},
            "outcome": {
                **base,
                "model": model,
                "training_set": training_set,
                "created": created,
                "prediction_sha256": hashlib.sha256(f"p{seed} {number}".encode()).hexdigest(),
                "transfer_sha256": hashlib.sha256(f"t{seed} {number}".encode()).hexdigest(),
                "domains": domains,
                "said": said,
            },
            "prediction": None,
            "transfer": None,
        }


def canonical(values: dict[str, Any]) -> bytes:
    """As `Record.canonical`, without building the record."""
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


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
    first, _ = timed(kept["predictors"].show, kept["predictors"].defaults)
    figures.append(goal("predictors: what is shown at once", first, 0.3))
    start = time.perf_counter()
    page = kept["predictors"]
    while not page.show(page.defaults)[page.outputs[1]]:  # the answers
        time.sleep(0.1)
    figures.append(Figure("predictors: until the comparison is there", seconds(time.perf_counter() - start + first)))
    again = [timed(kept["predictors"].show, kept["predictors"].defaults)[0] for _ in range(TIMES)]
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


def timed(what: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    found = what(*arguments)
    return time.perf_counter() - start, found


def seconds(value: float) -> str:
    """A time as text."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def goal(what: str, value: float, most: float, *, worst: float | None = None) -> Figure:
    """A figure that was promised; its median stands for it, and the worst beside it."""
    beside = "" if worst is None else f" (worst {seconds(worst)})"
    return Figure(what, seconds(value) + beside, f"under {seconds(most)}", value < most)


def as_table(figures: list[Figure], number: int) -> str:
    """All figures as Markdown."""
    load = os.getloadavg()
    lines = [
        f"# The leaderboard with {number:,} runs",
        "",
        f"Made by `python benchmarks/board_load.py --browser --write` on {datetime.now(UTC):%Y-%m-%d}: "
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}. The machine was shared: "
        f"its load average over the last 5 minutes was {load[1]:.1f}. "
        f"Filters are medians of {TIMES} (of {FEWEST_TIMES} where they are slow) with their worst, and hold "
        "where the median does; the rest was measured once.",
        "",
        "| what | measured | goal | holds |",
        "|---|---|---|---|",
    ]
    held = {None: "", True: "yes", False: "**no**"}
    lines += [f"| {one.what} | {one.value} | {one.goal} | {held[one.held]} |" for one in figures]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
