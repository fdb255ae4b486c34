"""How long work tells whoever waits for it.

Where nobody looks at a terminal (nohup, CI, a notebook, a sweep's log), it tells in lines: one at the start of every
stage, and one every 30 seconds with what is done and about how long is left.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as work goes on; with a total of 0 for a stage that was found done."""

EVERY = 30.0  # seconds between two lines about the same stage
LONG = 5.0  # seconds after which the progress bar of another library is told of


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tells nobody."""


def found(progress: Progress, what: str) -> None:
    """Tell that something was made before, and is not made again."""
    progress(what, 0, 0)


def found_line(what: str) -> str:
    """The same as a line."""
    return f"{what}: found, not made again"


def is_main_process() -> bool:
    """Whether this is the first, or the only, of the processes that `accelerate launch` started."""
    return os.environ.get("RANK", "0") == "0"


class Lines:
    """Progress as lines of text.

    `write` takes a line, `clock` returns seconds.
    """

    def __init__(self, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._began = clock()
        self._told = self._began  # when the last line was written
        self._told_of: dict[str, float] = {}  # the same by stage: two may go on side by side
        self._begun: dict[str, tuple[float, int]] = {}  # by stage: when it was first heard of, and what was done then
        self._done: dict[str, int] = {}  # by stage, as last heard
        self._now: tuple[str, int, int] | None = None
        self._lock = threading.Lock()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """A step of a stage, as `Progress` says."""
        with self._lock:
            starts = stage not in self._done or done < self._done[stage]
            if starts:
                self._begun[stage] = self._clock(), done
            self._now, self._done[stage] = (stage, done, total), done
            if total == 0:
                self._say(found_line(stage))
            elif starts or self._clock() - self._told_of.get(stage, self._began) >= EVERY:
                self._say(self._standing())

    def tick(self) -> None:
        """Time has passed: say again where the work stands if nothing was said for long."""
        with self._lock:
            if self._now is None or not self._now[2] or self._clock() - self._told < EVERY:
                return
            stage, done, total = self._now
            self._say(self._standing() if done < total else f"at work on what follows: {stage}")

    def _standing(self) -> str:
        stage, done, total = self._now or ("", 0, 0)
        since, done_then = self._begun[stage]
        text = stage if total == 1 else f"{stage}: {done} of {total}"  # a stage of one step has nothing to count
        self._told_of[stage] = self._clock()
        if done_then < done < total:
            left = (self._clock() - since) / (done - done_then) * (total - done)
            text += f", about {duration(left)} left"
        return text

    def _say(self, text: str) -> None:
        self._told = self._clock()
        self._write(f"[{duration(self._told - self._began)}] {text}")


def duration(seconds: float) -> str:
    """A time span as hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


@contextmanager
def told_in_lines(stream: TextIO) -> Iterator[Progress]:
    """Progress as lines on a stream, also while a single step takes long."""
    if not is_main_process():
        yield silent
        return
    lines = Lines(lambda line: print(line, file=stream, flush=True))
    ended = threading.Event()

    def keep_telling() -> None:
        while not ended.wait(1):
            lines.tick()

    threading.Thread(target=keep_telling, daemon=True).start()
    try:
        with bars_of_others(lines):
            yield lines
    finally:
        ended.set()


@contextmanager
def bars_of_others(progress: Progress) -> Iterator[None]:
    """Tell of the progress bars of other libraries (tqdm) as of own stages, once they have run for some seconds.

    So a download or lm-eval's requests show in the one place where progress is shown, and bars of a moment do not.
    """
    from tqdm.std import tqdm

    kept = {name: getattr(tqdm, name) for name in ("__init__", "display")}

    def init(bar: Any, *arguments: Any, **named: Any) -> None:
        kept["__init__"](bar, *arguments, **named)
        bar.fp = _Nowhere()

    def tell(bar: Any, *_arguments: Any, **_named: Any) -> None:
        if bar.total and bar.format_dict["elapsed"] >= LONG:
            unit = 10**6 if bar.unit == "B" else 1
            name = bar.desc.removesuffix(": ") or "requests"
            progress(f"{name} (MB)" if unit > 1 else name, int(bar.n) // unit, max(1, int(bar.total) // unit))

    for name, method in {"__init__": init, "display": tell}.items():
        setattr(tqdm, name, method)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(tqdm, name, method)


class _Nowhere:
    """Takes what a bar writes beside its state, such as the end of its line."""

    def write(self, _text: str) -> None: ...

    def flush(self) -> None: ...
