"""A line's state: its digest names its tensors, and its announcement and metadata survive the wire."""

from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest
from pydantic import ValidationError

from wire.cloudevents import from_kafka, to_kafka
from wire.line_state import Calibration, LineSpec, LineState, StateActivated, StateMetadata, tensors_digest

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
BANK = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
METADATA = StateMetadata(
    line="a.b.c",
    version=3,
    recipe="embedded",
    model_digest="m",
    spec=LineSpec(line="a.b.c", expected_modalities=("rgb", "depth")),
    calibrations={"rgb": Calibration(references=2, scores=(0.5, 0.75), location=0.6, scale=0.1)},
    references=(UUID(int=1), UUID(int=2)),
    digest="d",
    created_at=NOON,
    manual_thresholds={"fused": 3.0},
)


def test_equal_tensors_have_equal_digests_in_any_order_and_layout() -> None:
    a = {"rgb.bank": BANK, "depth.bank": BANK[:1]}
    b = {"depth.bank": BANK[:1].copy(), "rgb.bank": np.asfortranarray(BANK)}
    assert tensors_digest(a) == tensors_digest(b)


@pytest.mark.parametrize("other", [{"x.bank": BANK}, {"rgb.bank": BANK.reshape(3, 2)}, {"rgb.bank": BANK + 1}, {}])
def test_a_different_name_shape_or_value_gives_a_different_digest(other: dict[str, np.ndarray]) -> None:  # type: ignore[type-arg]
    assert tensors_digest(other) != tensors_digest({"rgb.bank": BANK})


def test_metadata_survives_its_json() -> None:
    assert StateMetadata.from_json(METADATA.to_json()) == METADATA


def test_an_activation_survives_its_way_through_kafka() -> None:
    sent = StateActivated(
        line="a.b.c", product="ring", version=3, digest="d", activated_at=NOON, by="ann", reason="new"
    )
    event = from_kafka(*to_kafka(sent.to_event()))
    assert StateActivated.from_json(event.data) == sent
    assert (event.type, event.extensions) == ("org.lineside.line.state_activated.v1", {"lineid": "a.b.c"})


def test_a_state_knows_the_memory_of_its_tensors() -> None:
    assert LineState(metadata=METADATA, tensors={"rgb.bank": BANK, "depth.bank": BANK[:1]}).size_bytes == 24 + 12


@pytest.mark.parametrize(
    "wrong",
    [{"learning_parts": 1}, {"false_alarm_rate": 0}, {"false_alarm_rate": 1}, {"join_window_s": 0}, {"max_vectors": 8}],
)
def test_a_specification_out_of_bounds_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        LineSpec.model_validate({"line": "a.b.c"} | wrong)
