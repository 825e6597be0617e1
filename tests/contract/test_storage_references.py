from uuid import UUID

import pytest

from storage.database import Database
from storage.history import History
from storage.references import Reference, ReferenceStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from storage.stored_inspection import Feedback, FeedbackLabel
from tests.unit.storage.examples import LINE, START, inspection, part_key

ONE, TWO, THREE = part_key(1), part_key(2), part_key(3)


@pytest.fixture
def references(database: Database) -> ReferenceStore:
    return ReferenceStore(database, now=lambda: START)


def current(references: ReferenceStore) -> list[UUID]:
    return [each.inspection_id for each in references.current(LINE, "bracket")]


def test_accepted_parts_are_references_until_they_are_rejected(references: ReferenceStore) -> None:
    assert references.accept(LINE, "bracket", [TWO, ONE], "eva", "good ones", UUID(int=1)) == 2
    assert references.accept(LINE, "bracket", [THREE], "jan", "", UUID(int=2)) == 1
    assert references.accept(LINE, "plate", [ONE], "jan", "", UUID(int=3)) == 1
    assert references.reject(LINE, "bracket", [ONE], "eva", "burr", UUID(int=4)) == 1
    assert references.current(LINE, "bracket") == [
        Reference(inspection_id=TWO, accepted_at=START, by="eva", reason="good ones"),
        Reference(inspection_id=THREE, accepted_at=START, by="jan", reason=""),
    ]
    assert [each.inspection_id for each in references.current(LINE, "plate")] == [ONE]


def test_every_change_leaves_an_audit_row(references: ReferenceStore) -> None:
    references.accept(LINE, "bracket", [ONE], "eva", "fine", UUID(int=1))
    references.accept(LINE, "bracket", [ONE, TWO], "jan", "fine, too", UUID(int=2))
    references.reject(LINE, "bracket", [ONE], "eva", "no", UUID(int=3))
    found = references.changes(LINE, "bracket")
    assert [(each.inspection_id, each.action, each.by, each.reason) for each in found] == [
        (ONE, "accepted", "eva", "fine"),
        (TWO, "accepted", "jan", "fine, too"),
        (ONE, "rejected", "eva", "no"),
    ]


def test_a_command_that_is_delivered_again_after_its_opposite_changes_nothing(references: ReferenceStore) -> None:
    references.accept(LINE, "bracket", [ONE], "eva", "", UUID(int=1))
    references.reject(LINE, "bracket", [ONE], "eva", "", UUID(int=2))
    assert references.accept(LINE, "bracket", [ONE], "eva", "", UUID(int=1)) == 0
    assert current(references) == []
    assert references.accept(LINE, "bracket", [ONE], "eva", "", UUID(int=3)) == 1
    assert references.reject(LINE, "bracket", [ONE], "eva", "", UUID(int=2)) == 0
    assert current(references) == [ONE]


def test_answers_of_people_stand_beside_the_part(database: Database, references: ReferenceStore) -> None:
    ResultSink(database).write(ResultBatch(inspections=[inspection(1), inspection(2)]))
    references.accept(LINE, "bracket", [ONE, TWO, ONE], "eva", "only a shadow", UUID(int=1))
    references.reject(LINE, "bracket", [ONE], "jan", "a crack", UUID(int=2))
    stored = History(database).get(ONE)
    assert stored is not None
    assert stored.feedback == (
        Feedback(label=FeedbackLabel.GOOD, by="eva", reason="only a shadow", given_at=START),
        Feedback(label=FeedbackLabel.DEFECT, by="jan", reason="a crack", given_at=START),
    )


def test_learning_makes_references_without_pretending_to_be_a_person(
    database: Database, references: ReferenceStore
) -> None:
    ResultSink(database).write(ResultBatch(inspections=[inspection(1)]))
    assert references.accept(LINE, "bracket", [ONE], "learning", "the first 32 parts") == 1
    assert references.accept(LINE, "bracket", [ONE], "learning", "the first 32 parts") == 0
    assert current(references) == [ONE]
    stored = History(database).get(ONE)
    assert stored is not None
    assert stored.feedback == ()


def test_rejecting_what_was_no_reference_is_an_answer_all_the_same(
    database: Database, references: ReferenceStore
) -> None:
    ResultSink(database).write(ResultBatch(inspections=[inspection(1)]))
    assert references.reject(LINE, "bracket", [ONE], "eva", "missed", UUID(int=1)) == 0
    stored = History(database).get(ONE)
    assert stored is not None
    assert [each.label for each in stored.feedback] == [FeedbackLabel.DEFECT]
    assert references.changes(LINE, "bracket") == []
