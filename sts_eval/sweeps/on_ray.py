"""The engine of a Ray cluster: each attempt is a task that asks for its stage's cores, GPUs and memory.

Ray itself retries nothing: attempts are counted and logged by the driver, so that all engines do the same.
"""

import socket
import uuid
from pathlib import Path
from typing import Any, get_args

import sts_eval
from sts_eval.errors import UserError
from sts_eval.sweeps.matrix import Kind, Matrix, StageResources
from sts_eval.sweeps.perform import Task, attempt
from sts_eval.sweeps.state import StageRecord

KINDS: tuple[Kind, ...] = get_args(Kind)

ANSWER_SECONDS = 10.0  # how long a cluster has to take a connection
CHECK_SECONDS = 120.0  # how long a node has to start a worker and look for the folder


class OnRay:
    """Stages as tasks of a Ray cluster, at an address that `ray.init` takes; None starts one on this machine.

    There must be a node for each kind of stage, and every node must see the folder under the same path. A cluster that
    is started here has so many cpus; all cores if None.

    Raises:
        UserError: Ray is not installed, there is no such cluster, no node is large enough for a stage, or a node
            does not see the folder or runs another version of this package.
    """

    def __init__(self, matrix: Matrix, folder: Path, address: str | None = None, *, cpus: int | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise UserError("Ray is not installed", "pip install 'sts-eval[ray]'") from error
        self._ray: Any = ray
        self._tasks: dict[Any, Task] = {}
        own: dict[str, Any] = {}
        if address is not None:
            _check_answers(address)
            what = f"the Ray cluster at {address} cannot be joined"
            remedy = "Try `ray status` with that address; a cluster with tokens needs the variable RAY_AUTH_MODE=token"
        else:
            what, remedy = "Ray does not start", "Try `ray start --head`, which says more"
            own |= {"num_cpus": cpus, "include_dashboard": False}
        try:
            ray.init(address=address or "local", log_to_driver=False, **own)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"{what} ({reason})", remedy) from error
        try:
            self._check_rooms(matrix, grows=address is not None)
            asked = [matrix.resources.of(kind) for kind in KINDS]
            nodes = [node for node in self._nodes() if any(room_for(node["Resources"], one) for one in asked)]
            self._check_folder(nodes, folder)  # a head that does no stages need not see it
        except BaseException:
            self.close()
            raise

    def submit(self, task: Task) -> None:
        """Hand an attempt to the cluster, away from the host where the last one broke if there is another."""
        asked = task.matrix.resources.of(task.stage.kind)
        options: dict[str, Any] = {
            "num_cpus": asked.cpus,
            "num_gpus": asked.gpus,
            "max_retries": 0,
            "runtime_env": {"env_vars": {"OMP_NUM_THREADS": str(asked.cpus)}},
        }
        if asked.memory_gb is not None:
            options["memory"] = int(asked.memory_gb * 1e9)
        there = [node["NodeID"] for node in self._nodes() if task.avoid == node["NodeManagerHostname"]]
        if there:
            from ray.util.scheduling_strategies import NodeLabelSchedulingStrategy, NotIn

            avoided: Any = NotIn(*there)  # type: ignore[no-untyped-call]  # a gap of Ray's own
            options["scheduling_strategy"] = NodeLabelSchedulingStrategy(hard={}, soft={"ray.io/node-id": avoided})
        self._tasks[self._ray.remote(attempt).options(**options).remote(task)] = task

    def wait(self, seconds: float) -> list[StageRecord]:
        """Attempts that have ended; one whose worker or node is lost has failed.

        Raises:
            UserError: The cluster is gone.
        """
        errors = self._ray.exceptions
        try:
            over, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=seconds)
        except (errors.RaySystemError, ConnectionError) as error:
            raise UserError("the Ray cluster is gone", "Start it, and the sweep with the same command") from error
        ended = []
        for reference in over:
            task = self._tasks.pop(reference)
            try:
                ended.append(self._ray.get(reference))
            except Exception as error:  # whatever Ray says of a task that did not return
                ended.append(task.lose(_line(error)))
        return ended

    def close(self) -> None:
        """Leave the cluster, which ends the tasks of this driver, or stop it where it was started here."""
        self._ray.shutdown()

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _check_rooms(self, matrix: Matrix, *, grows: bool) -> None:
        """See how many stages have room. A cluster that was joined may grow, so a lack of room is only a note."""
        nodes, asked = self._nodes(), {kind: matrix.resources.of(kind) for kind in KINDS}
        rooms = {kind: sum(room_for(node["Resources"], one) for node in nodes) for kind, one in asked.items()}
        missing = [f"{kind} ({_words(asked[kind])})" for kind, room in rooms.items() if not room]
        if missing and not grows:
            raise UserError(
                f"this machine has too few cores, GPUs or memory for {', '.join(missing)}",
                "Ask for less under resources, or join a cluster",
            )
        self.notes = tuple(f"no node has room for {one}: it waits until one joins" for one in missing)
        self.width = max(1, rooms["tune"])
        self.place = f"a Ray cluster of {len(nodes)} node{'s' if len(nodes) > 1 else ''}"

    def _check_folder(self, nodes: list[dict[str, Any]], folder: Path) -> None:
        """Have every node look for a file that is written here."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        folder.mkdir(parents=True, exist_ok=True)
        marker = folder / f".seen-{uuid.uuid4().hex}"
        marker.touch()
        try:
            asked = []
            for node in nodes:
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                remote = self._ray.remote(_see).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
                asked.append((node["NodeManagerHostname"], remote.remote(marker)))
            for host, reference in asked:
                remedy = "Install sts-eval on every node, in the same version"
                try:
                    seen, version = self._ray.get(reference, timeout=CHECK_SECONDS)
                except Exception as error:
                    raise UserError(f"node {host} cannot run stages ({_line(error)})", remedy) from error
                if version != sts_eval.__version__:
                    raise UserError(f"node {host} has sts-eval {version}, and this is {sts_eval.__version__}", remedy)
                if not seen:
                    remedy = "Put the sweep with --folder where all nodes share a file system"
                    raise UserError(f"node {host} does not see {folder}", remedy)
        finally:
            marker.unlink(missing_ok=True)


def _see(marker: Path) -> tuple[bool, str]:
    return marker.is_file(), sts_eval.__version__


def _check_answers(address: str) -> None:
    """See whether anybody listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").partition(":")
    if not port.isdigit():  # auto, or a name that Ray looks up itself
        return
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise UserError(
            f"there is no Ray cluster at {address} ({error.strerror or error})",
            "Check the address with `ray status`, or give --ray alone to start a cluster on this machine",
        ) from error


def room_for(has: dict[str, float], asked: StageResources) -> int:
    """How many such stages fit at once on a node that `has` these resources in all, as Ray counts them."""
    wants = {"CPU": asked.cpus, "GPU": asked.gpus, "memory": (asked.memory_gb or 0) * 1e9}
    return min(int(has.get(name, 0) / amount) for name, amount in wants.items() if amount)


def _words(asked: StageResources) -> str:
    memory = f", {asked.memory_gb:g} GB" if asked.memory_gb else ""
    return f"{asked.cpus} cores, {asked.gpus:g} GPUs{memory}"


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
