"""The desk where people's commands become events on ``lineside.commands``."""

from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID, uuid4

import structlog

from dashboard.command_requests import CommandRequest
from dashboard.errors import KeyConflict
from dashboard.keys import Principal
from dashboard.metrics import DashboardMetrics
from wire import topics
from wire.command import CommandKind, LineCommand
from wire.errors import BrokerUnavailable
from wire.event_sender import EventSender
from wire.identifiers import command_id
from wire.kafka.async_send import send_and_wait

# A panel sends a few commands per shift; a thousand cover any wait until the builder has written them to SQL.
_REMEMBERED = 1000


class CommandDesk:
    """Sends commands and remembers the last ones until SQL knows them.

    At least once: the same idempotency key gives the same command id, and the builder carries an id out once.
    """

    def __init__(self, sender: EventSender, metrics: DashboardMetrics) -> None:
        self._sender = sender
        self._metrics = metrics
        self._sent: OrderedDict[UUID, LineCommand] = OrderedDict()

    async def send(
        self, kind: CommandKind, line: str, principal: Principal, request: CommandRequest, *, key: str | None = None
    ) -> LineCommand:
        """Send one command and wait for Kafka's acknowledgement.

        BrokerUnavailable if Kafka does not take it; KeyConflict if ``key`` was used for another command.
        """
        command = LineCommand(
            command_id=uuid4() if key is None else command_id(line, key),
            kind=kind,
            line=line,
            by=principal.name,
            requested_at=datetime.now(UTC),
            **request.model_dump(),
        )
        earlier = self._sent.get(command.command_id)
        if earlier is not None:
            if _asks(earlier) != _asks(command):
                raise KeyConflict("the key was used for another command", field="Idempotency-Key", value=key)
            return earlier
        try:
            await send_and_wait(self._sender, topics.COMMANDS, line, command.to_event())
        except BrokerUnavailable:
            self._metrics.commands.labels(kind.value, "refused").inc()
            raise
        self._metrics.commands.labels(kind.value, "sent").inc()
        structlog.get_logger().info(
            "command_sent", kind=kind.value, line=line, id=str(command.command_id), by=principal.name
        )
        self._sent[command.command_id] = command
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        return command

    def sent(self, wanted: UUID) -> LineCommand | None:
        """A command this process sent, None if it never did or forgot."""
        return self._sent.get(wanted)

    def sent_to(self, line: str) -> list[LineCommand]:
        """Commands this process sent to ``line``, newest first."""
        return [command for command in self._newest_first() if command.line == line]

    def answers(self) -> dict[UUID, LineCommand]:
        """The last answer (accept or reject) that this process sent to each inspection it remembers."""
        return {
            inspection: command
            for command in reversed(self._newest_first())
            if command.kind in (CommandKind.ACCEPT, CommandKind.REJECT)
            for inspection in command.inspections
        }

    def sent_by(self, principal: Principal) -> list[LineCommand]:
        """Commands that ``principal`` sent from here, newest first."""
        return [command for command in self._newest_first() if command.by == principal.name]

    def _newest_first(self) -> list[LineCommand]:
        # A copy in one step: readers are in threads of their own, while the event loop sends.
        return list(self._sent.values())[::-1]


def _asks(command: LineCommand) -> dict[str, object]:
    return command.model_dump(exclude={"requested_at"})
