"""Which version of a line's state judges a part: the newest that was activated in front of the part's anchor."""

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

from stream.agents.frame_partition import FramePartition
from stream.line_states import Key, LineStates
from stream.metrics.inspect import InspectMetrics
from stream.patience import insist_in_thread
from stream.steps.open_part import DuePart
from wire.line_state import LineState


class StateChoice:
    """Asks SQL once per assignment, line and product; loads each version once, however many parts wait for it.

    ``database`` is where short questions to SQL are asked. While database or object store are away, a choice waits for
    ``patience_s``, then raises DatabaseUnavailable or ObjectStoreUnavailable.
    """

    def __init__(
        self, states: LineStates, *, cluster: str, database: Executor, patience_s: float, metrics: InspectMetrics
    ) -> None:
        self._states = states
        self._cluster = cluster
        self._database = database
        # Of their own: a large state is read for seconds, and other lines' questions to SQL must not queue behind it.
        self._loaders = ThreadPoolExecutor(2, thread_name_prefix="states")
        self._patience_s = patience_s
        self._metrics = metrics
        self._before_assignment: dict[tuple[int, int, str, str], asyncio.Task[int | None]] = {}
        self._loading: dict[Key, asyncio.Task[LineState | None]] = {}

    async def choose(self, partition: FramePartition, due: DuePart) -> LineState | None:
        """The state that judges this part; None before the line's first version."""
        product = due.reference().product or ""
        version = partition.timeline(due.line, product).at(due.anchor.offset)
        if version is None:
            version = await self._version_before_assignment(partition, due.line, product)
        state = None if version is None else await self._load((due.line, product, version))
        self._measure(due.line, product, version, state)
        return state

    def forget_assignments(self) -> None:
        """What held in front of an assignment is asked anew for the next one."""
        self._before_assignment.clear()

    def close(self) -> None:
        """Begin no other load."""
        self._loaders.shutdown(wait=False, cancel_futures=True)

    async def _version_before_assignment(self, partition: FramePartition, line: str, product: str) -> int | None:
        key = (partition.number, partition.epoch, line, product)
        task = self._before_assignment.get(key)
        if task is None:
            ask = partial(
                self._states.version_before,
                line,
                product,
                cluster=self._cluster,
                partition=partition.number,
                offset=partition.first_offset,
            )
            task = self._before_assignment[key] = asyncio.create_task(
                insist_in_thread(self._database, ask, patience_s=self._patience_s)
            )
        return await task

    async def _load(self, key: Key) -> LineState | None:
        known, state = self._states.cached(key)
        if known:
            return state
        task = self._loading.get(key)
        if task is None:
            load = insist_in_thread(self._loaders, partial(self._states.load, key), patience_s=self._patience_s)
            task = self._loading[key] = asyncio.create_task(load)
            task.add_done_callback(lambda _: self._loading.pop(key, None))
        return await asyncio.shield(task)

    def _measure(self, line: str, product: str, wanted: int | None, state: LineState | None) -> None:
        used = state.metadata.version if state else None
        self._metrics.state_version.labels(line, product).set(used or 0)
        self._metrics.state_outdated.labels(line, product).set(used != wanted)
        if state is not None:
            entries = sum(len(tensor) for name, tensor in state.tensors.items() if name.endswith(".bank"))
            self._metrics.bank_entries.labels(line).set(entries)
