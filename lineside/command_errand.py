"""One command to a line, from the command line: sent to Kafka, then looked after in SQL until it is carried out."""

import time
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from lineside.commands.opened import open_database
from lineside.site import Site
from storage.commands import CommandStore
from wire import topics
from wire.command import CommandKind, LineCommand
from wire.errors import BrokerUnavailable, ConfigurationError, DecodeError, LinesideError
from wire.event_sender import Acknowledgement
from wire.identifiers import check_line_id
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings

_SEND_TIMEOUT_S: Final = 15.0
_POLL_S: Final = 0.3


class CommandErrand:
    """Build, send, wait. ConfigurationError if ``line`` is no line id."""

    def __init__(self, kind: CommandKind, line: str, *, product: str, by: str, reason: str, **wanted: Any) -> None:
        try:
            check_line_id(line)
        except DecodeError as error:
            raise ConfigurationError([str(error)]) from error
        self.command = LineCommand(
            command_id=uuid4(),
            kind=kind,
            line=line,
            product=product,
            by=by,
            reason=reason,
            requested_at=datetime.now(UTC),
            **wanted,
        )

    def send(self, settings: KafkaSettings) -> None:
        """Send and wait for the broker; BrokerUnavailable if it does not take the command."""
        outcomes: list[Acknowledgement | LinesideError] = []
        sender = KafkaSender(settings, client_id="lineside-cli")
        try:
            sender.send(topics.COMMANDS, self.command.line, self.command.to_event(), outcomes.append)
        finally:
            sender.close(_SEND_TIMEOUT_S)
        outcome = outcomes[0] if outcomes else BrokerUnavailable(f"{settings.bootstrap} does not answer")
        if isinstance(outcome, LinesideError):
            raise outcome

    def wait(self, site: Site, timeout_s: float) -> str:
        """Wait until the builder has finished the command; what it answered, in words."""
        deadline_s = time.monotonic() + timeout_s
        with open_database(site) as database:
            store = CommandStore(database)
            while time.monotonic() < deadline_s:
                known = store.get(self.command.command_id)
                if known is not None and known.finished_at is not None:
                    return f"{known.status}: {known.message}" if known.message else str(known.status)
                time.sleep(_POLL_S)
        return f"not carried out within {timeout_s:g} s; does a worker with the role build run?"
