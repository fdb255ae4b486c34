"""Parts of one computation in processes side by side, whose progress is told in one place."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from queue import Empty
from typing import Any

from sts_eval.errors import UserError
from sts_eval.progress import Progress, bars_of_others
from sts_eval.quiet import quiet_libraries

Job = Callable[[Progress], object]
"""A part of the computation. It leaves its result on disk, and can be pickled."""

POLL = 0.2  # seconds between two looks at what the processes tell


def run_jobs(jobs: Mapping[str, Job], width: int, progress: Progress) -> None:
    """Do all jobs, `width` of them at a time, in that many processes. The first that fails ends the others.

    A job's name goes before what other libraries tell in it. Unless OMP_NUM_THREADS is set, the processes share the
    cores.

    Raises:
        UserError: A job raised it, its process was killed, or this is one of several processes of `accelerate launch`.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("accelerate launch has started several processes, and --jobs starts more", "Leave out --jobs")
    context = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads in whatever state they are
    told: Any = context.Queue()
    threads = max(1, (os.cpu_count() or 1) // width)
    pool = ProcessPoolExecutor(width, mp_context=context, initializer=_begin, initargs=(told, threads))
    starting = f"starting {min(width, len(jobs))} processes, which load their libraries"
    progress(starting, 0, 1)
    try:
        running = {pool.submit(_do, name, job) for name, job in jobs.items()}
        while running:
            ended, running = wait(running, POLL, FIRST_COMPLETED)
            _pass_on(told, progress)
            for future in ended:
                future.result()
        pool.shutdown()  # whose processes first send what they have to tell
        _pass_on(told, progress)
    except BrokenProcessPool as error:
        raise UserError(
            "a process was killed, perhaps because the memory is full",
            "Start again with fewer --jobs; the run continues",
        ) from error
    finally:
        stop(pool)


def stop(pool: ProcessPoolExecutor) -> None:
    """Kill the processes of a pool, whatever they do."""
    for process in list((pool._processes or {}).values()):  # Python 3.14 has kill_workers()
        process.kill()
    pool.shutdown(wait=True, cancel_futures=True)


def die_with_parent() -> None:
    """End this process when the one that started it is gone. Ctrl-C is left to that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


_told: Any = None  # in a process of the pool: where its progress goes


def _begin(told: Any, threads: int) -> None:
    global _told  # noqa: PLW0603 -- an executor has no other place for what a process is given at its start
    _told = told
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    quiet_libraries()
    die_with_parent()


def _do(name: str, job: Job) -> None:
    with bars_of_others(lambda stage, done, total: _tell(f"{name}: {stage}", done, total)):
        job(_tell)


def _tell(stage: str, done: int, total: int) -> None:
    _told.put((stage, done, total))


def _pass_on(told: Any, progress: Progress) -> None:
    with suppress(Empty):
        while True:
            progress(*told.get_nowait())
