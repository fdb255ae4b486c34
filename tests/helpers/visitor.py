"""A board as a browser talks to it, without one: events of its components over HTTP, in a session of one's own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

WAIT = 600.0
"""Seconds for an answer, or for a server to start; a machine with other jobs is slow."""

BOARD = "import sys; from sts_eval.cli import main; sys.argv[0] = 'sts-eval'; main()"


@contextmanager
def served(*options: str) -> Iterator[tuple[str, int]]:
    """The command `sts-eval board` as a process of its own, on a free port; gives its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", BOARD, "board", "--port", str(port), *options]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, env={**os.environ, "OMP_NUM_THREADS": "1"}) as server:
        try:
            address = f"http://127.0.0.1:{port}/"
            over = time.monotonic() + WAIT
            while server.poll() is None and time.monotonic() < over:
                try:
                    httpx.get(f"{address}config", timeout=WAIT)
                    break
                except httpx.ConnectError:
                    time.sleep(0.2)
            yield address, server.pid
        finally:
            server.terminate()


class Visitor:
    """One session on a board."""

    def __init__(self, address: str) -> None:
        self.session = uuid.uuid4().hex[:11]
        self._http = httpx.Client(base_url=address, timeout=WAIT)
        self._config = self._http.get("config").json()
        self._parts = {one["id"]: one["props"] | {"type": one["type"]} for one in self._config["components"]}

    def call(self, endpoint: str, values: Sequence[Any]) -> tuple[str, Any]:
        """Call a named endpoint as a program does that keeps no session: `complete` or `error`, and what came."""
        asked = self._http.post(f"gradio_api/call/{endpoint}", json={"data": values})
        asked.raise_for_status()
        answer = self._http.get(f"gradio_api/call/{endpoint}/{asked.json()['event_id']}").text
        event, data = answer.split("\n")[:2]
        return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def send(self, part: str, event: str, values: Sequence[Any] | None = None) -> dict[str, Any]:
        """What an event of a component (by element id or a tab's name) shows: values by label, type or element id.

        Inputs are the components' first values where none are given.
        """
        for one in self._config["dependencies"]:
            if any(self._is(target, part) and name == event for target, name in one["targets"]) and one["backend_fn"]:
                break
        else:
            raise LookupError(f"{part} has no {event}")
        first = [self._parts[number].get("value") for number in one["inputs"]]
        body = {"data": list(first if values is None else values), "fn_index": one["id"], "session_hash": self.session}
        self._http.post("gradio_api/queue/join", json=body).raise_for_status()
        outputs = self._completed()
        return {
            self._parts[number].get("label") or self._parts[number].get("elem_id") or str(number): value
            for number, value in zip(one["outputs"], outputs, strict=True)
        }

    def inputs(self, part: str, event: str) -> list[str | None]:
        """The labels of the components that an event sends."""
        return next(
            [self._parts[number].get("label") for number in one["inputs"]]
            for one in self._config["dependencies"]
            if any(self._is(target, part) and name == event for target, name in one["targets"])
        )

    def _is(self, number: int | None, part: str) -> bool:
        props = self._parts.get(number or -1, {})
        return part in (props.get("elem_id"), props.get("label")) or (
            props.get("type") == "tabitem" and props.get("id") == part
        )

    def _completed(self) -> list[Any]:
        with self._http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line.removeprefix("data:"))
                if message["msg"] == "process_completed":
                    assert message["success"], message["output"]
                    data: list[Any] = message["output"]["data"]
                    return data
        raise AssertionError("the stream ended before the event did")
