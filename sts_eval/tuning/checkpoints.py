"""What a seed goes on from that was being trained when its process ended. Loads no torch."""

import json
import time
from pathlib import Path

from sts_eval.records.record import Record, now


class Begun(Record):
    """When the training of a seed began, and how long it went on up to its last checkpoint."""

    started: str
    seconds: float = 0.0


class Attempt:
    """One process's part in the training of a seed, of whose checkpoints only the last is kept."""

    def __init__(self, checkpoints: Path) -> None:
        self.checkpoints = checkpoints
        self.resumed = last_checkpoint(checkpoints)  # what it goes on from
        self._file = checkpoints / "begun.json"
        self._begun = Begun.read(self._file) if self.resumed and self._file.is_file() else Begun(started=now())
        self._clock = time.perf_counter()

    @property
    def started(self) -> str:
        """When the first of these processes began."""
        return self._begun.started

    @property
    def seconds(self) -> float:
        """How long the training has gone on, in all processes; what was lost between checkpoints is left out."""
        return self._begun.seconds + time.perf_counter() - self._clock

    def keep(self) -> None:
        """Note that a checkpoint was kept."""
        Begun(started=self.started, seconds=self.seconds).write(self._file)


def last_checkpoint(folder: Path) -> Path | None:
    """The last whole checkpoint of a seed, None where there is none. The Trainer writes the state of one last."""
    for path in sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.rpartition("-")[2])):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # the process was killed while it wrote this one
            continue
        return path
    return None
