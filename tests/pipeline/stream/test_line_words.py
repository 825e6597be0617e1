"""Words that are learned for one line of a running worker: two lines, one detector, each judged by its own."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from lineside.cli import main
from models.backbones.clip_model import TINY_CLIP, random_clip
from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.lines import LineRegistry
from tests.components.waiting import wait_until
from tests.pipeline.stream.worker_process import start_worker
from tests.unit.stream.made_records import frame_event
from wire import topics
from wire.finding import Mode, Reading
from wire.image_codec import encode_png
from wire.inspection import Inspection
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings
from wire.line_state import LineSpec

# The worker loads torch: seconds on a free machine, half a minute on two busy cores.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

DEADLINE_S = 120.0
ONE, OTHER = "site.hall.line1", "site.hall.line2"
LEARNING_PARTS = 2


def picture(number: int) -> bytes:
    pattern = np.random.default_rng(0).integers(40, 160, (8, 8, 3)).repeat(8, 0).repeat(8, 1)
    grain = np.random.default_rng(number).integers(-6, 7, pattern.shape)
    return encode_png(np.clip(pattern + grain, 0, 255).astype(np.uint8))


def results(database: Database, line: str) -> Mapping[str, Inspection]:
    """By part."""
    page = History(database).page(HistoryFilter(line=line), limit=100)
    return {stored.inspection.part_id: stored.inspection for stored in page.items}


def reading(inspection: Inspection) -> Reading:
    found = next(each.reading for each in inspection.modalities if each.modality == "rgb")
    assert found is not None
    return found


def test_a_training_for_one_line_changes_the_words_of_that_line_alone(
    tmp_path: Path,
    database_url: str,
    database: Database,
    broker: KafkaSettings,
    sender: KafkaSender,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    weights = tmp_path / "tiny.safetensors"
    save_file(dict(random_clip(TINY_CLIP, 1).state_dict()), weights)
    registry = LineRegistry(database)
    for line in (ONE, OTHER):
        registry.upsert(LineSpec(line=line, learning_parts=LEARNING_PARTS, expects_context=False, class_name="tile"))
    worker = start_worker(
        tmp_path, database_url, broker, name="worker", roles="inspect,store,build", recipe="spgdd",
        recipe_changes={"backbone.name": TINY_CLIP, "backbone.weights": str(weights)},
    )  # fmt: skip

    def judge(first: int) -> dict[str, Inspection]:
        """One part of each line, sent together."""
        for line in (ONE, OTHER):
            sender.send(topics.FRAMES, line, frame_event(first, payload=picture(first), line=line), lambda _: None)
        part = f"P{first}"
        wait_until(
            lambda: all(part in results(database, line) for line in (ONE, OTHER)), DEADLINE_S, lambda: worker.log_tail()
        )
        return {line: results(database, line)[part] for line in (ONE, OTHER)}

    for number in range(LEARNING_PARTS):
        judge(number)
    number = LEARNING_PARTS
    while any(found.mode is not Mode.MEMORY for found in judge(number).values()):
        number += 1
    before = {line: results(database, line)[f"P{number}"] for line in (ONE, OTHER)}
    assert reading(before[ONE]) == reading(before[OTHER])
    assert before[ONE].score == pytest.approx(before[OTHER].score, abs=1e-5)

    # In this process, where torch is there already.
    command = (
        *("lineside", "train", "spgdd", "--line", ONE, "--backbone", TINY_CLIP, "--weights", weights),
        *("--steps", "2", "--batch", "2", "--side-px", "64", "--by", "ann"),
        *("--out", tmp_path / "words", "--config", tmp_path / "worker.yaml"),
    )
    monkeypatch.setattr(sys, "argv", [str(each) for each in command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert f"{ONE}: done: version 2 from {LEARNING_PARTS} references" in capsys.readouterr().out

    sha256 = LineRegistry(database).ensure(ONE).learned_words
    after = judge(number + 1)
    assert reading(after[ONE]) == Reading(vv_mode="enhanced", learned_words=sha256)
    assert after[ONE].provenance.state_version == 2
    assert reading(after[OTHER]) == reading(before[OTHER])
    assert after[OTHER].provenance.state_version == 1
    # The same picture, other words: another score.
    assert after[ONE].score != pytest.approx(after[OTHER].score, abs=1e-4)
    worker.stop(deadline_s=10)
