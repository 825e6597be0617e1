"""build: commands become versions, announced in band, whatever dies on the way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from storage.commands import CommandStatus, CommandStore, StoredCommand
from storage.database import Database
from storage.history import History
from storage.jobs import JobStore
from storage.learned_words import LearnedWordsStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.objects import open_payload_store
from storage.references import ReferenceStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from stream.agents.build import BuildAgent
from stream.metrics.build import BuildMetrics
from stream.metrics.worker import new_registry
from stream.outbox import Outbox
from stream.settings import BuildLimits
from stream.state_builder import StateBuilder
from tests.unit.stream.agent_run import Acknowledged, run_agent
from tests.unit.stream.learning_inspector import LearningInspector
from tests.unit.stream.made_records import BEGIN, LINE, record
from tests.unit.stream.made_results import inspection
from tests.unit.stream.recording_sender import RecordingSender
from tests.unit.stream.sabotage import Sabotage, Sabotaged
from wire import topics
from wire.command import CommandKind, LineCommand, RegionReference
from wire.description import Description, PromptLevel
from wire.finding import Verdict
from wire.identifiers import command_id
from wire.image_codec import encode_png
from wire.line_state import LineSpec, StateActivated
from wire.payload_store import content_key

LEARNING_PARTS = 4
BURR = Description(name="burr", level=PromptLevel.TEMPLATE, text="A thin burr.")
TAG = Description(name="<Img>", level=PromptLevel.TEMPLATE, text="A thin burr.")


class FaultyStates(LineStateStore):
    """Points: ``add``, ``record_activation``."""

    sabotage: Sabotage

    def add(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        self.sabotage.hit("add")
        return super().add(*args, **kwargs)  # type: ignore[arg-type]

    def record_activation(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
        self.sabotage.hit("record_activation")
        super().record_activation(*args, **kwargs)  # type: ignore[arg-type]


class FaultyCommands(CommandStore):
    """Points: ``record``, ``finish``."""

    sabotage: Sabotage

    def record(self, command: LineCommand) -> bool:
        self.sabotage.hit("record")
        return super().record(command)

    def finish(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
        self.sabotage.hit("finish")
        super().finish(*args, **kwargs)  # type: ignore[arg-type]


@dataclass
class Bench:
    """A build worker with everything around it."""

    database: Database
    folder: Path

    def __post_init__(self) -> None:
        self.sabotage = Sabotage()
        self.payloads = open_payload_store(f"file://{self.folder}")
        self.sender = RecordingSender(self.sabotage)
        self.states = FaultyStates(self.database, self.payloads)
        self.states.sabotage = self.sabotage
        self.commands = FaultyCommands(self.database)
        self.commands.sabotage = self.sabotage
        self.lines = LineRegistry(self.database)
        self.lines.upsert(LineSpec(line=LINE, learning_parts=LEARNING_PARTS, expected_modalities=("rgb",)))
        self.inspector = LearningInspector(self.sabotage)
        self.sent: list[LineCommand] = []

    def store_parts(self, *numbers: int, verdict: Verdict = Verdict.OK, product: str = "bolt") -> None:
        """Parts whose image is as grey as their number."""
        results = []
        for number in numbers:
            image = encode_png(np.full((8, 8), number, np.uint8))
            key, sha256 = content_key("evidence", image, "png")
            self.payloads.put(key, image)
            mask = ""
            if verdict is Verdict.DEFECT:
                marked = np.zeros((8, 8), np.uint8)
                marked[2:4, 2:6] = 255
                mask, _ = content_key("evidence", encode_png(marked), "png")
                self.payloads.put(mask, encode_png(marked))
            results.append(inspection(number, verdict=verdict, product=product, image=key, sha256=sha256, mask=mask))
        ResultSink(self.database).write(ResultBatch(inspections=results))

    def command(self, kind: CommandKind, *parts: int, **values: object) -> LineCommand:
        command = LineCommand(
            command_id=command_id(LINE, f"{kind}/{len(self.sent)}"),
            kind=kind,
            line=LINE,
            product="bolt",
            by="engineer",
            reason="test",
            requested_at=BEGIN + timedelta(seconds=len(self.sent)),
            inspections=tuple(inspection(number).inspection_id for number in parts),
            **values,
        )
        self.sent.append(command)
        return command

    def builder(self) -> StateBuilder:
        return StateBuilder(
            inspector=self.inspector,
            payloads=self.payloads,
            lines=self.lines,
            states=self.states,
            references=ReferenceStore(self.database),
            history=History(self.database),
        )

    def agent(self) -> BuildAgent:
        return BuildAgent(
            jobs=JobStore(self.database),
            commands=self.commands,
            builder=self.builder(),
            states=self.states,
            history=History(self.database),
            outbox=Outbox(self.sender, group=topics.GROUP_BUILD, patience_s=5),
            cluster="bench",
            owner="bench",
            limits=BuildLimits(lease_s=1.5, poll_s=0.05),
            patience_s=5,
            metrics=BuildMetrics(new_registry()),
        )

    async def run(self, until: Callable[[], bool], what: str) -> bool:
        records = [record(command.to_event(), at, topic=topics.COMMANDS) for at, command in enumerate(self.sent)]
        return await run_agent(self.agent(), records, Acknowledged(self.sabotage), until, what)

    async def obey(self) -> list[StoredCommand]:
        """Run until every command is finished; what came of each, in the order of sending."""
        assert await self.run(self.is_idle, "every command to be finished")
        return [stored for command in self.sent if (stored := self.commands.get(command.command_id))]

    def is_idle(self) -> bool:
        stored = [self.commands.get(command.command_id) for command in self.sent]
        return all(each is not None and each.status is not CommandStatus.OPEN for each in stored) and not JobStore(
            self.database
        ).pending("build")

    @property
    def active(self) -> int | None:
        return self.states.active(LINE, "bolt")

    @property
    def announced(self) -> list[tuple[int, str]]:
        events = (StateActivated.from_json(event.data) for event in self.sender.events[topics.FRAMES])
        return [(event.version, event.reason) for event in events]


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Bench:
    return Bench(database, tmp_path / "objects")


async def learned(bench: Bench) -> None:
    """Version 1 from parts 1 to 4."""
    bench.store_parts(1, 2, 3, 4)
    assert await bench.run(lambda: bench.active == 1 and bench.is_idle(), "version 1")


async def test_line_learns_version_1_from_its_first_parts(bench: Bench) -> None:
    bench.store_parts(1, 2, 3)
    assert not bench.announced
    bench.store_parts(4, 5)
    assert await bench.run(lambda: bench.active == 1, "version 1")
    metadata = bench.states.metadata(LINE, "bolt", 1)
    assert metadata.references == tuple(inspection(number).inspection_id for number in (1, 2, 3, 4))
    assert metadata.reason == "learned"
    assert bench.states.load(LINE, "bolt", 1).tensors["rgb.bank"].tolist() == [[2.5]]
    assert bench.announced == [(1, "learned")]
    (activation,) = bench.states.activations(LINE)
    assert (activation.cluster, activation.partition, activation.offset) == ("bench", 0, 0)


async def test_rejected_parts_are_not_learned_from(bench: Bench) -> None:
    bench.store_parts(1, 2, 3, 4, 5)
    ReferenceStore(bench.database).reject(
        LINE, "bolt", [inspection(2).inspection_id], "operator", "scratch", command_id(LINE, "r")
    )
    assert await bench.run(lambda: bench.active == 1, "version 1")
    assert bench.states.load(LINE, "bolt", 1).tensors["rgb.bank"].tolist() == [[3.25]]


FAULTS = {
    "1 before the command is recorded": "record",
    "2 before the acknowledgement": "acknowledge",
    "3 in the build": "build",
    "3 before the version is stored": "add",
    "4 before the activation": f"send:{topics.STATE_ACTIVATED}",
    "4 after the activation": f"answer:{topics.STATE_ACTIVATED}",
    "4 before its place is recorded": "record_activation",
    "5 before the command is finished": "finish",
}


@pytest.mark.parametrize("point", FAULTS.values(), ids=FAULTS.keys())
async def test_builder_that_dies_at_an_effect_leaves_one_new_version_and_a_finished_command(
    bench: Bench, point: str
) -> None:
    await learned(bench)
    bench.store_parts(9, verdict=Verdict.DEFECT)
    bench.command(CommandKind.ACCEPT, 9)
    bench.sabotage.plan = {(point, bench.sabotage.calls[point] + 1): Sabotaged(point)}
    assert not await bench.run(lambda: False, "its death")
    (stored,) = await bench.obey()
    assert (stored.status, stored.message) == (CommandStatus.DONE, "version 2 from 5 references")
    assert [metadata.version for metadata in bench.states.list(LINE, "bolt")] == [2, 1]
    assert bench.active == 2
    assert bench.announced[-1] == (2, "rebuilt")


async def test_commands_that_wait_together_lead_to_one_version(bench: Bench) -> None:
    await learned(bench)
    bench.store_parts(9, 11)
    for number in (9, 11):
        bench.command(CommandKind.ACCEPT, number)
    bench.command(CommandKind.REJECT, 1)
    outcome = bench.builder().carry_out(LINE, bench.sent)
    assert [decision.metadata.version for decision in outcome.decisions] == [2]
    assert set(outcome.done.values()) == {"version 2 from 5 references"}
    assert not outcome.failed
    assert bench.states.load(LINE, "bolt", 2).tensors["rgb.bank"][0, 0] == pytest.approx((2 + 3 + 4 + 9 + 11) / 5)


async def test_rollback_activates_the_older_version_and_makes_none(bench: Bench) -> None:
    await learned(bench)
    bench.store_parts(9)
    bench.command(CommandKind.ACCEPT, 9)
    bench.command(CommandKind.ROLLBACK, version=1)
    stored = await bench.obey()
    assert stored[1].message == "version 1 is active again"
    assert bench.announced == [(1, "learned"), (2, "rebuilt"), (1, "rolled_back")]
    assert bench.active == 1


async def test_rate_and_threshold_change_without_a_build(bench: Bench) -> None:
    await learned(bench)
    builds = bench.sabotage.calls["build"]
    bench.command(CommandKind.SET_RATE, false_alarm_rate=0.05)
    bench.command(CommandKind.SET_THRESHOLD, modality="rgb", threshold=3.5)
    await bench.obey()
    assert bench.sabotage.calls["build"] == builds
    second, third = (bench.states.metadata(LINE, "bolt", version) for version in (2, 3))
    assert (second.spec.false_alarm_rate, second.manual_thresholds) == (0.05, {})
    assert (third.spec.false_alarm_rate, third.manual_thresholds) == (0.05, {"rgb": 3.5})
    assert second.digest == third.digest == bench.states.metadata(LINE, "bolt", 1).digest
    assert bench.lines.ensure(LINE).false_alarm_rate == 0.05
    assert bench.active == 3


async def test_a_lines_words_are_kept_and_every_product_gets_a_version_that_knows_them(bench: Bench) -> None:
    bench.command(CommandKind.DESCRIBE, class_name="bolt", normality="shiny")
    (early,) = await bench.obey()
    assert early.message == "noted for version 1"
    await learned(bench)
    assert bench.states.metadata(LINE, "bolt", 1).spec.class_name == "bolt"
    bench.command(CommandKind.DESCRIBE, defect_words=("with a burr",), matching="nearest")
    stored = await bench.obey()
    assert stored[-1].message == f"version 2 from {LEARNING_PARTS} references"
    spec = bench.states.metadata(LINE, "bolt", 2).spec
    assert (spec.class_name, spec.normality) == ("bolt", "shiny")
    assert (spec.defect_words, spec.matching) == (("with a burr",), "nearest")
    assert bench.lines.ensure(LINE) == spec
    assert bench.active == 2


async def test_a_lines_level_of_description_is_kept_with_its_texts_and_leads_to_a_build(bench: Bench) -> None:
    await learned(bench)
    texts = (BURR,)
    bench.command(CommandKind.DESCRIBE, descriptions=texts, description_level=PromptLevel.TEMPLATE)
    assert (await bench.obey())[-1].message == f"version 2 from {LEARNING_PARTS} references"
    spec = bench.states.metadata(LINE, "bolt", 2).spec
    assert (spec.description_level, spec.descriptions) == (PromptLevel.TEMPLATE, texts)
    rust = Description(name="rust", level=PromptLevel.CLASS_LEVEL, text="Rust: a brown film.")
    bench.command(CommandKind.DESCRIBE, descriptions=(*texts, rust))
    said = f"version 3 from {LEARNING_PARTS} references; no text of level template, named alone: rust"
    assert (await bench.obey())[-1].message == said
    bench.command(CommandKind.DESCRIBE, descriptions=texts, description_level="")
    await bench.obey()
    spec = bench.lines.ensure(LINE)
    assert (spec.description_level, spec.descriptions) == ("", texts)
    # The version before is still there, with the level that it judged by.
    assert bench.states.metadata(LINE, "bolt", 2).spec.description_level == "template"


async def test_words_that_were_learned_for_a_line_come_with_its_references(bench: Bench) -> None:
    await learned(bench)
    words = LearnedWordsStore(bench.payloads)
    first, second = words.put(b"first words"), words.put(b"second words")
    for version, sha256, file in ((2, first, b"first words"), (3, second, b"second words"), (4, "", b"")):
        bench.command(CommandKind.DESCRIBE, learned_words=sha256)
        (stored,) = [each for each in await bench.obey() if each.command == bench.sent[-1]]
        assert stored.message == f"version {version} from {LEARNING_PARTS} references"
        assert bench.states.metadata(LINE, "bolt", version).spec.learned_words == sha256
        assert bench.inspector.words == file
    bench.command(CommandKind.ROLLBACK, version=2)
    await bench.obey()
    assert bench.active == 2


async def test_words_that_are_not_there_or_do_not_fit_change_nothing(bench: Bench) -> None:
    await learned(bench)
    other = LearnedWordsStore(bench.payloads).put(b"other tower")
    for sha256, reason in (
        (other, "context has shape (4, 48), expected (4, 32)"),
        ("ab" * 32, f"words/ab/{'ab' * 32}.safetensors"),
    ):
        command = bench.command(CommandKind.DESCRIBE, learned_words=sha256, class_name="nut")
        (stored,) = [each for each in await bench.obey() if each.command == command]
        assert stored.status is CommandStatus.FAILED
        assert reason in stored.message
    assert bench.lines.ensure(LINE).learned_words == bench.lines.ensure(LINE).class_name == ""
    assert bench.active == 1


async def test_commands_that_are_worked_on_together_build_upon_each_other(bench: Bench) -> None:
    await learned(bench)
    rate = bench.command(CommandKind.SET_RATE, false_alarm_rate=0.05)
    threshold = bench.command(CommandKind.SET_THRESHOLD, modality="rgb", threshold=3.5)
    outcome = bench.builder().carry_out(LINE, [rate, threshold])
    last = outcome.decisions[-1].metadata
    assert (last.parent_version, last.spec.false_alarm_rate, last.manual_thresholds) == (2, 0.05, {"rgb": 3.5})


async def test_threshold_set_by_hand_outlives_a_rebuild(bench: Bench) -> None:
    await learned(bench)
    bench.command(CommandKind.SET_THRESHOLD, modality="rgb", threshold=3.5)
    await bench.obey()
    bench.store_parts(9)
    bench.command(CommandKind.ACCEPT, 9)
    await bench.obey()
    assert bench.states.metadata(LINE, "bolt", 3).manual_thresholds == {"rgb": 3.5}


def regions(*parts: int) -> tuple[RegionReference, ...]:
    return tuple(RegionReference(inspection=inspection(number).inspection_id, region=0) for number in parts)


async def test_named_regions_become_examples_of_the_next_version(bench: Bench) -> None:
    await learned(bench)
    bench.store_parts(50, 60, 70, 80, verdict=Verdict.DEFECT)
    bench.command(CommandKind.NAME, name="coolant spot", regions=regions(50, 60, 70, 80))
    (stored,) = await bench.obey()
    assert (stored.status, stored.message) == (CommandStatus.DONE, "version 2, 4 examples of coolant spot")
    assert bench.announced == [(1, "learned"), (2, "taught")]
    state = bench.states.load(LINE, "bolt", 2)
    assert [(each.name, each.region_index, each.modality) for each in state.metadata.taught] == [
        ("coolant spot", 0, "rgb")
    ] * 4
    assert state.tensors["rgb.kind_examples"].tolist() == [[50], [60], [70], [80]]
    assert state.tensors["rgb.kind_others"].shape == (4, 1)  # four of its references are known to be good
    assert state.tensors["rgb.bank"].tolist() == [[2.5]]


async def test_taught_classes_outlive_a_rebuild_even_without_their_pictures(bench: Bench) -> None:
    await learned(bench)
    bench.store_parts(50, verdict=Verdict.DEFECT)
    bench.command(CommandKind.NAME, name="coolant spot", regions=regions(50))
    await bench.obey()
    key, _ = content_key("evidence", encode_png(np.full((8, 8), 50, np.uint8)), "png")
    bench.payloads.delete(key)
    bench.store_parts(9)
    bench.command(CommandKind.ACCEPT, 9)
    await bench.obey()
    state = bench.states.load(LINE, "bolt", 3)
    assert [each.name for each in state.metadata.taught] == ["coolant spot"]
    assert state.tensors["rgb.kind_examples"].tolist() == [[50]]


async def test_another_model_looks_at_the_examples_anew(bench: Bench) -> None:
    await learned(bench)
    bench.store_parts(50, 60, verdict=Verdict.DEFECT)
    bench.command(CommandKind.NAME, name="coolant spot", regions=regions(50, 60))
    await bench.obey()
    bench.inspector = LearningInspector(bench.sabotage, digest="77" * 32)
    assert await bench.run(lambda: bench.active == 3 and bench.is_idle(), "version 3")
    state = bench.states.load(LINE, "bolt", 3)
    assert state.metadata.model_digest == "77" * 32
    assert state.tensors["rgb.kind_examples"].tolist() == [[50], [60]]


@pytest.mark.parametrize(
    ("parts", "name", "message"),
    [
        ((), "spot", "the command names no class or no regions"),
        ((50,), "", "the command names no class or no regions"),
        ((51,), "spot", "has no inspection"),
        ((1,), "spot", "has no region 0"),
    ],
)
async def test_name_that_cannot_be_given_is_answered_with_the_reason(
    bench: Bench, parts: tuple[int, ...], name: str, message: str
) -> None:
    await learned(bench)
    bench.store_parts(50, verdict=Verdict.DEFECT)
    bench.command(CommandKind.NAME, name=name, regions=regions(*parts))
    (stored,) = await bench.obey()
    assert stored.status is CommandStatus.FAILED
    assert message in stored.message


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (CommandKind.ROLLBACK, {"version": 7}, "has no state version 7"),
        (CommandKind.ROLLBACK, {}, "the command names no version"),
        (CommandKind.SET_RATE, {"false_alarm_rate": 1.5}, "1.5 is no false-alarm rate between 0 and 1"),
        (CommandKind.SET_THRESHOLD, {"threshold": 1.0}, "the command names no modality"),
        (CommandKind.DESCRIBE, {}, "the command says nothing about the line's parts"),
        (CommandKind.DESCRIBE, {"normality": "x" * 401}, "401 characters, at most 400"),
        (CommandKind.DESCRIBE, {"descriptions": (BURR, BURR)}, "'burr' has two texts of level template"),
        (CommandKind.DESCRIBE, {"descriptions": (TAG,)}, "'<Img>' is no name for a kind of defect"),
        (CommandKind.ACCEPT, {}, "the command names no inspections"),
    ],
)
async def test_command_that_cannot_be_obeyed_is_finished_with_the_reason(
    bench: Bench, kind: CommandKind, values: dict[str, object], message: str
) -> None:
    await learned(bench)
    bench.command(kind, **values)
    (stored,) = await bench.obey()
    assert stored.status is CommandStatus.FAILED
    assert message in stored.message
    assert bench.active == 1


async def test_unknown_inspection_is_no_reference(bench: Bench) -> None:
    await learned(bench)
    bench.command(CommandKind.ACCEPT, 77)
    (stored,) = await bench.obey()
    assert stored.message == f"line {LINE} has no inspection {inspection(77).inspection_id}"


async def test_part_without_kept_evidence_is_named_in_the_answer(bench: Bench) -> None:
    await learned(bench)
    ResultSink(bench.database).write(ResultBatch(inspections=[inspection(50)]))
    bench.command(CommandKind.ACCEPT, 50)
    (stored,) = await bench.obey()
    assert stored.status is CommandStatus.FAILED
    assert "no payload of part P50 was kept" in stored.message


async def test_accepted_part_waits_for_version_1_while_the_line_learns(bench: Bench) -> None:
    bench.store_parts(9)
    bench.command(CommandKind.ACCEPT, 9)
    (stored,) = await bench.obey()
    assert stored.message == "noted; version 1 is built from 4 references, there are 1"
    assert bench.active is None


async def test_new_model_rebuilds_the_same_references(bench: Bench) -> None:
    await learned(bench)
    bench.inspector = LearningInspector(bench.sabotage, digest="77" * 32)
    assert await bench.run(lambda: bench.active == 2 and bench.is_idle(), "version 2")
    old, new = (bench.states.metadata(LINE, "bolt", version) for version in (1, 2))
    assert new.model_digest == "77" * 32
    assert new.references == old.references
    assert new.reason == "model"


async def test_unreadable_command_is_quarantined(bench: Bench) -> None:
    command = bench.command(CommandKind.BUILD)
    good = record(command.to_event(), 0, topic=topics.COMMANDS)
    fields = {name: getattr(good, name) for name in type(good).__dataclass_fields__}
    bad = type(good)(**{**fields, "value": b"[]"})
    progress = Acknowledged(bench.sabotage)
    assert await run_agent(bench.agent(), [bad], progress, lambda: progress.offsets == [0], "the acknowledgement")
    (letter,) = bench.sender.dead_letters
    assert (letter.topic, letter.value) == (topics.dlq(topics.COMMANDS), b"[]")
