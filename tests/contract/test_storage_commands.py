from datetime import timedelta

import pytest

from storage.commands import CommandStatus, CommandStore
from storage.database import Database
from tests.unit.storage.examples import LINE, START, part_key
from wire.command import CommandKind, LineCommand
from wire.identifiers import command_id


def command(key: str, kind: CommandKind = CommandKind.ACCEPT) -> LineCommand:
    return LineCommand(
        command_id=command_id(LINE, key),
        kind=kind,
        line=LINE,
        product="bracket",
        by="eva",
        reason="fine",
        requested_at=START,
        inspections=(part_key(1), part_key(2)),
    )


@pytest.fixture
def commands(database: Database) -> CommandStore:
    moments = iter(START + timedelta(seconds=number) for number in range(100))
    return CommandStore(database, now=lambda: next(moments))


def test_a_command_is_recorded_once(commands: CommandStore) -> None:
    assert commands.record(command("a"))
    assert not commands.record(command("a"))
    (stored,) = commands.list(LINE)
    assert stored.command == command("a")
    assert (stored.status, stored.message, stored.finished_at) == (CommandStatus.OPEN, "", None)


def test_the_first_end_of_a_command_stays(commands: CommandStore) -> None:
    commands.record(command("a"))
    commands.finish(command("a").command_id, CommandStatus.FAILED, "no such part")
    commands.finish(command("a").command_id, CommandStatus.DONE, "again")
    stored = commands.get(command("a").command_id)
    assert stored is not None
    assert (stored.status, stored.message) == (CommandStatus.FAILED, "no such part")
    assert stored.finished_at == START + timedelta(seconds=1)


def test_a_lines_commands_are_listed_from_new_to_old(commands: CommandStore) -> None:
    for key in ("a", "b", "c"):
        commands.record(command(key))
    assert [each.command.command_id for each in commands.list(LINE, 2)] == [
        command("c").command_id,
        command("b").command_id,
    ]
    assert list(commands.list("plant1.hall2.line4")) == []
    assert commands.get(command("d").command_id) is None
