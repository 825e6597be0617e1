"""An EventSender that keeps what it acknowledges, with a broker that a test can stop, slow down and start."""

import queue
import threading
from collections import deque

from wire.cloudevents import CloudEvent
from wire.errors import BadInput, BrokerUnavailable, LinesideError
from wire.event_sender import Acknowledgement, Delivered


class MemorySender:
    """Answers from a thread of its own, in order. ``pause``: nothing is answered; ``refuse``: ``send`` raises."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, CloudEvent]] = []
        self._lock = threading.Lock()
        self._open: deque[tuple[str, str, CloudEvent, Delivered]] = deque()
        self._paused = False
        self._refused = False
        self.most_bytes: int | None = None  # larger ones are refused: payload and headers together
        self._closed = False
        self._work: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._answer, name="memory-sender", daemon=True)
        self._thread.start()

    def send(self, topic: str, key: str, event: CloudEvent, delivered: Delivered) -> None:
        with self._lock:
            if self._refused or self._closed:
                raise BrokerUnavailable("the broker refuses", retry_after_s=0.05)
            size = len(event.data) + sum(len(name) + len(text) for name, text in event.extensions.items())
            if self.most_bytes is not None and size > self.most_bytes:
                raise BadInput("too_large", f"{size} bytes, the limit is {self.most_bytes}")
            self._open.append((topic, key, event, delivered))
        self._work.put(True)

    def pause(self) -> None:
        self._paused = True

    def refuse(self) -> None:
        self._refused = True

    def resume(self) -> None:
        self._refused = self._paused = False
        self._work.put(True)

    def fail_open(self, error: LinesideError | None = None) -> int:
        """Answer everything that waits with an error; how many that were."""
        error = error or BrokerUnavailable("not delivered in time", retry_after_s=0.05)
        with self._lock:
            failed, self._open = self._open, deque()
        for _, _, _, delivered in failed:
            delivered(error)
        return len(failed)

    @property
    def open(self) -> int:
        return len(self._open)

    def events(self, kind: str) -> list[CloudEvent]:
        """Acknowledged events of one type, in order."""
        return [event for _, _, event in list(self.records) if event.type == kind]

    def _answer(self) -> None:
        while self._work.get():
            while not self._paused:
                with self._lock:
                    if not self._open:
                        break
                    topic, key, event, delivered = self._open.popleft()
                    self.records.append((topic, key, event))
                    offset = len(self.records) - 1
                delivered(Acknowledgement(topic, 0, offset))

    def flush(self, timeout_s: float) -> int:
        waiter = threading.Event()
        deadline = timeout_s
        while self._open and deadline > 0:
            waiter.wait(0.01)
            deadline -= 0.01
        return len(self._open)

    def close(self, timeout_s: float) -> int:
        self.flush(timeout_s)
        self._closed = True
        left = self.fail_open()
        self._work.put(False)
        self._thread.join()
        return left
