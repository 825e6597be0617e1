"""Makes new versions of what a line knows: from references, from the first parts of a line, by changed thresholds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from uuid import UUID

import structlog

from models.kinds.lessons import carried_over
from storage.history import History
from storage.learned_words import LearnedWordsStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.references import ReferenceStore
from storage.stored_inspection import FeedbackLabel
from stream.steps.description import described, missing_texts
from stream.steps.lesson import read_lesson
from stream.steps.reference_part import reference_part
from wire.command import CommandKind, LineCommand
from wire.errors import DecodeError, RetryLater
from wire.inspection import Inspection
from wire.inspector import Inspector, NamingInspector, ReadingInspector
from wire.lesson import Lesson
from wire.line_state import LineSpec, LineState, StateMetadata, TaughtExample
from wire.part import Part
from wire.payload_store import PayloadStore

_log = structlog.get_logger(__name__)

_LEARNER = "lineside"
# Learning parts are looked for again after this time when people have meanwhile rejected some of them.
_LEARN_AGAIN_S = 10.0
# Good parts on which an example's place is looked at: no class may reach what they show there.
_GOODS = 4
_BUILDING_KINDS = (CommandKind.ACCEPT, CommandKind.REJECT, CommandKind.BUILD, CommandKind.DESCRIBE)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A version to activate, and why."""

    metadata: StateMetadata
    reason: str
    by: str


@dataclass
class Outcome:
    """What came of a line's commands. ``failed``: by command id, the reason for people; the others are done."""

    decisions: list[Decision] = field(default_factory=list)
    failed: dict[UUID, str] = field(default_factory=dict)
    done: dict[UUID, str] = field(default_factory=dict)

    def decided(self, line: str, product: str) -> int | None:
        """The version that these decisions end with; None if none of them is about the product."""
        of_product = [
            d.metadata.version for d in self.decisions if (d.metadata.line, d.metadata.product) == (line, product)
        ]
        return of_product[-1] if of_product else None


class StateBuilder:
    """Reads references, builds, stores; activates nothing. Blocking, one thread at a time; calls may be repeated."""

    def __init__(
        self,
        *,
        inspector: Inspector,
        payloads: PayloadStore,
        lines: LineRegistry,
        states: LineStateStore,
        references: ReferenceStore,
        history: History,
    ) -> None:
        self._inspector = inspector
        self._payloads = payloads
        self._words = LearnedWordsStore(payloads)
        self._lines = lines
        self._states = states
        self._references = references
        self._history = history

    @property
    def model_digest(self) -> str:
        """The detector whose states are built."""
        return self._inspector.digest

    def carry_out(self, line: str, commands: Sequence[LineCommand]) -> Outcome:
        """Obey a line's commands in order; neighbours that ask for a build lead to one per product."""
        outcome = Outcome()
        for leads_to_builds, group in groupby(commands, key=lambda command: command.kind in _BUILDING_KINDS):
            if leads_to_builds:
                self._change_what_is_built(line, list(group), outcome)
            else:
                for command in group:
                    self._try(command, outcome, self._adjust)
        return outcome

    def parts_to_learn(self, line: str) -> int:
        """How many complete parts version 1 is built from."""
        return self._lines.ensure(line).learning_parts

    def learn(self, line: str, product: str) -> Decision | None:
        """Build version 1 from the first complete parts. None if there is one; RetryLater if parts are missing."""
        if self._states.active(line, product) is not None:
            return None
        spec = self._lines.ensure(line)
        wanted = spec.learning_parts
        first = self._history.first_inspections(line, product, 2 * wanted, complete_only=True)
        good = [inspection.inspection_id for inspection in first if not self._is_rejected(inspection)][:wanted]
        if len(good) < wanted:
            raise RetryLater(f"{line} has {len(good)} of {wanted} parts to learn from", retry_after_s=_LEARN_AGAIN_S)
        self._references.accept(line, product, good, _LEARNER, "learned")
        return self._build(line, product, None, reason="learned", by=_LEARNER)

    def rebuild_for_model(self, line: str, product: str) -> Decision | None:
        """Build the same references anew with this detector; None if the active version is its own."""
        active = self._states.active(line, product)
        if active is None or self._states.metadata(line, product, active).model_digest == self.model_digest:
            return None
        return self._build(line, product, active, reason="model", by=_LEARNER)

    def outdated(self) -> list[tuple[str, str]]:
        """Lines and products whose active version another model made."""
        found = []
        for spec in self._lines.all():
            for product in sorted({metadata.product for metadata in self._states.list(spec.line)}):
                active = self._states.active(spec.line, product)
                if active is None:
                    continue
                if self._states.metadata(spec.line, product, active).model_digest != self.model_digest:
                    found.append((spec.line, product))
        return found

    def _change_what_is_built(self, line: str, commands: Sequence[LineCommand], outcome: Outcome) -> None:
        touched: dict[str, list[LineCommand]] = {}

        def change(command: LineCommand) -> None:
            if command.kind is CommandKind.BUILD:
                touched.setdefault(command.product, []).append(command)
                return
            if command.kind is CommandKind.DESCRIBE:
                products = self._describe(command)
                outcome.done[command.command_id] = "noted for version 1"
                for product in products:
                    touched.setdefault(product, []).append(command)
                return
            apply = self._references.accept if command.kind is CommandKind.ACCEPT else self._references.reject
            for product, identifiers in self._by_product(line, command.inspections).items():
                changed = apply(line, product, identifiers, command.by, command.reason, command.command_id)
                outcome.done[command.command_id] = f"{changed} references changed"
                # A repeated delivery changes nothing, and its build may still be missing.
                touched.setdefault(product, []).append(command)

        for command in commands:
            self._try(command, outcome, lambda command, _: change(command))
        for product, because in touched.items():
            self._rebuild(line, product, because, outcome)
        remark = missing_texts(self._lines.ensure(line))
        for command in commands:
            if command.kind is CommandKind.DESCRIBE and command.command_id in outcome.done:
                outcome.done[command.command_id] += remark

    def _describe(self, command: LineCommand) -> list[str]:
        """Change what is said of the line's parts; the products that a version knows by other words."""
        spec = described(self._lines.ensure(command.line), command)
        if command.learned_words:
            self._check_words(command.learned_words)
        self._lines.upsert(spec)
        products = sorted({metadata.product for metadata in self._states.list(command.line)})
        return [product for product in products if self._states.active(command.line, product) is not None]

    def _check_words(self, sha256: str) -> None:
        """ValueError, DecodeError if they are not there, or of no use to this detector."""
        if not isinstance(self._inspector, ReadingInspector):
            raise ValueError(f"recipe {self._inspector.recipe} compares nothing with words")
        self._inspector.check_words(self._words.get(sha256))

    def _rebuild(self, line: str, product: str, because: Sequence[LineCommand], outcome: Outcome) -> None:
        current = self._references.current(line, product)
        spec = self._lines.ensure(line)
        parent = self._version(line, product, outcome)
        is_asked = any(command.kind is CommandKind.BUILD for command in because)
        if parent is None and not is_asked and len(current) < spec.learning_parts:
            for command in because:
                outcome.done[command.command_id] = (
                    f"noted; version 1 is built from {spec.learning_parts} references, there are {len(current)}"
                )
            return
        try:
            decision = self._build(line, product, parent, reason="rebuilt", by=because[-1].by)
        except (DecodeError, LookupError, ValueError) as error:
            for command in because:
                outcome.failed[command.command_id] = f"no version was built: {error}"
            return
        outcome.decisions.append(decision)
        for command in because:
            outcome.done[command.command_id] = (
                f"version {decision.metadata.version} from {len(decision.metadata.references)} references"
            )

    def _by_product(self, line: str, identifiers: Sequence[UUID]) -> dict[str, list[UUID]]:
        """The inspections by the product that each shows. LookupError names one that the line does not have."""
        if not identifiers:
            raise ValueError("the command names no inspections")
        found: dict[str, list[UUID]] = {}
        for identifier in identifiers:
            stored = self._history.get(identifier)
            if stored is None or stored.inspection.line != line:
                raise LookupError(f"line {line} has no inspection {identifier}")
            found.setdefault(stored.inspection.product, []).append(identifier)
        return found

    def _version(self, line: str, product: str, outcome: Outcome) -> int | None:
        """The version that the next command changes: what was decided before it, else the one in use."""
        decided = outcome.decided(line, product)
        return self._states.active(line, product) if decided is None else decided

    def _build(self, line: str, product: str, parent: int | None, *, reason: str, by: str) -> Decision:
        """Build from the current references. LookupError, DecodeError, ValueError say why it cannot be done."""
        spec = self._lines.ensure(line)
        words = self._words.get(spec.learned_words)
        references = _StoredParts(
            [self._inspection(reference.inspection_id) for reference in self._references.current(line, product)],
            lambda inspection: replace(reference_part(inspection, self._payloads.get, spec), learned_words=words),
        )
        state = self._inspector.build_state(references, spec, product=product)
        if parent is not None:
            # What people set by hand stays until they set it otherwise.
            before = self._states.load(line, product, parent)
            state = _with(state, manual_thresholds=before.metadata.manual_thresholds)
            if before.metadata.taught:
                state = self._with_lessons(state, before)
        return Decision(metadata=self._add(state, parent=parent, reason=reason, by=by), reason=reason, by=by)

    def _inspection(self, identifier: UUID) -> Inspection:
        stored = self._history.get(identifier)
        if stored is None:
            raise LookupError(f"reference {identifier} is not stored any more")
        return stored.inspection

    def _adjust(self, command: LineCommand, outcome: Outcome) -> None:
        """Roll back, or change rate, threshold or taught classes of the version in use."""
        line, product = command.line, command.product
        if command.kind is CommandKind.NAME:
            self._name(command, outcome)
            return
        active = self._version(line, product, outcome)
        if command.kind is CommandKind.ROLLBACK:
            if command.version is None:
                raise ValueError("the command names no version")
            metadata = self._states.metadata(line, product, command.version)
            outcome.decisions.append(Decision(metadata=metadata, reason="rolled_back", by=command.by))
            outcome.done[command.command_id] = f"version {metadata.version} is active again"
            return
        if command.kind is CommandKind.SET_RATE:
            if command.false_alarm_rate is None or not 0 < command.false_alarm_rate < 1:
                raise ValueError(f"{command.false_alarm_rate} is no false-alarm rate between 0 and 1")
            spec = self._lines.ensure(line).model_copy(update={"false_alarm_rate": command.false_alarm_rate})
            self._lines.upsert(spec)
            if active is None:
                outcome.done[command.command_id] = "noted for version 1"
                return
            state = self._states.load(line, product, active)
            rate = {"false_alarm_rate": command.false_alarm_rate}
            changed = _with(state, spec=state.metadata.spec.model_copy(update=rate))
        else:
            if command.modality is None:
                raise ValueError("the command names no modality")
            if active is None:
                raise LookupError(f"line {line}, product {product!r} has no version yet")
            state = self._states.load(line, product, active)
            thresholds = {k: v for k, v in state.metadata.manual_thresholds.items() if k != command.modality}
            if command.threshold is not None:
                thresholds[command.modality] = command.threshold
            changed = _with(state, manual_thresholds=thresholds)
        metadata = self._add(changed, parent=active, reason="threshold", by=command.by)
        outcome.decisions.append(Decision(metadata=metadata, reason="threshold", by=command.by))
        outcome.done[command.command_id] = f"version {metadata.version}"

    def _name(self, command: LineCommand, outcome: Outcome) -> None:
        """Regions become examples of a class; from four on, the next version knows it."""
        if not command.name or not command.regions:
            raise ValueError("the command names no class or no regions")
        products = self._by_product(command.line, [each.inspection for each in command.regions])
        if len(products) != 1:
            raise ValueError(f"the regions are of several products: {', '.join(sorted(products))}")
        (product,) = products
        active = self._version(command.line, product, outcome)
        if active is None:
            raise LookupError(f"line {command.line}, product {product!r} has no version yet")
        state = self._states.load(command.line, product, active)
        lessons = [self._lesson(command.name, each.inspection, each.region) for each in command.regions]
        changed = self._teach(state, lessons, self._goods(state.metadata))
        metadata = self._add(changed, parent=active, reason="taught", by=command.by)
        outcome.decisions.append(Decision(metadata=metadata, reason="taught", by=command.by))
        count = sum(example.name == command.name for example in metadata.taught)
        outcome.done[command.command_id] = f"version {metadata.version}, {count} examples of {command.name}"

    def _teach(self, state: LineState, lessons: Sequence[Lesson], goods: Sequence[Part]) -> LineState:
        if not isinstance(self._inspector, NamingInspector):
            raise ValueError(f"recipe {self._inspector.recipe} gives regions no names")
        return self._inspector.teach(state, lessons, goods)

    def _lesson(self, name: str, inspection_id: UUID, region_index: int) -> Lesson:
        inspection = self._inspection(inspection_id)
        return read_lesson(name, inspection, region_index, self._payloads.get, self._lines.ensure(inspection.line))

    def _goods(self, metadata: StateMetadata) -> Sequence[Part]:
        """Some of a version's references, as many as are needed to know a good surface."""
        spec = metadata.spec
        found = [self._history.get(identifier) for identifier in metadata.references[:_GOODS]]
        return [reference_part(each.inspection, self._payloads.get, spec) for each in found if each is not None]

    def _with_lessons(self, state: LineState, before: LineState) -> LineState:
        """What people taught the version before: as it is, or seen anew by another model."""
        if before.metadata.model_digest == state.metadata.model_digest:
            return carried_over(state, before)
        goods = self._goods(state.metadata)
        for example in before.metadata.taught:
            try:
                lesson = self._lesson(example.name, example.inspection_id, example.region_index)
                state = self._teach(state, [lesson], goods)
            except (DecodeError, LookupError, ValueError) as error:
                # Its inspection is past its age, or the model names nothing: detection must not wait for a name.
                _log.warning("an example is lost", line=before.metadata.line, name=example.name, error=str(error))
        return state

    def _add(self, state: LineState, *, parent: int | None, reason: str, by: str) -> StateMetadata:
        """Store as a new version, unless an equal one is the newest: a builder that died left it behind."""
        for newest in self._states.list(state.metadata.line, state.metadata.product)[:1]:
            if _essence(newest) == _essence(state.metadata):
                return newest
        return self._states.add(state, parent=parent, reason=reason, by=by)

    def _is_rejected(self, inspection: Inspection) -> bool:
        stored = self._history.get(inspection.inspection_id)
        if stored is None or not stored.feedback:
            return False
        return stored.feedback[-1].label is FeedbackLabel.DEFECT

    @staticmethod
    def _try(command: LineCommand, outcome: Outcome, obey: Callable[[LineCommand, Outcome], None]) -> None:
        try:
            obey(command, outcome)
        except (DecodeError, LookupError, ValueError) as error:
            outcome.failed[command.command_id] = str(error)


class _StoredParts(Sequence[Part]):
    """References, decoded when looked at: as many as people like, with the memory of one."""

    def __init__(self, inspections: Sequence[Inspection], read: Callable[[Inspection], Part]) -> None:
        self._inspections = inspections
        self._read = read

    def __len__(self) -> int:
        return len(self._inspections)

    def __getitem__(self, index: int) -> Part:  # type: ignore[override]  # a slice of it has no use
        return self._read(self._inspections[index])


def _with(state: LineState, **changes: object) -> LineState:
    return LineState(metadata=state.metadata.model_copy(update=changes), tensors=state.tensors)


def _essence(
    metadata: StateMetadata,
) -> tuple[str, str, LineSpec, tuple[UUID, ...], dict[str, float], tuple[TaughtExample, ...]]:
    """What makes two versions the same in use."""
    return (
        metadata.model_digest,
        metadata.digest,
        metadata.spec,
        metadata.references,
        metadata.manual_thresholds,
        metadata.taught,
    )
