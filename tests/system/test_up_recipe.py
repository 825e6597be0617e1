"""`lineside up` with another recipe and weights of a file: the same line, from camera to row."""

from pathlib import Path

import pytest
from safetensors.torch import save_file

from models.backbones.clip_model import TINY_CLIP, random_clip
from tests.components.waiting import wait_until
from tests.system.running_up import START_DEADLINE_S, Up
from wire.finding import Mode

# Six parts, their memory, and one part more: some ten seconds, and a minute beside a busy neighbour.
LEARN_DEADLINE_S = 150.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        ("spgdd", {"memory.match": "nearest"}),
        # Literal Otsu marks something on every part, so that SAM sees each of them.
        ("samllava", {"sam.size": "tiny", "sam.seed": "0", "coarse.threshold": "otsu"}),
    ],
)
def test_a_site_sees_with_a_token_recipe_and_its_results_name_the_closest_reference(
    tmp_path: Path, recipe: str, changes: dict[str, str]
) -> None:
    weights = tmp_path / "tiny.safetensors"
    save_file(dict(random_clip(TINY_CLIP, 1).state_dict()), weights)
    changed = [option for key, value in changes.items() for option in ("--set", f"{key}={value}")]
    up = Up(
        tmp_path, "--recipe", recipe, "--backbone", TINY_CLIP, "--weights", weights, *changed,
        "--lines", "1", "--rate", "2", "--defect-rate", "0.5",
    )  # fmt: skip
    up.wait_until_log("Lineside is up", START_DEADLINE_S)

    def has_learned() -> bool:
        up.process.ensure_alive()
        return any(row.mode is Mode.MEMORY for row in up.rows())

    wait_until(has_learned, LEARN_DEADLINE_S, lambda: f"a part judged from memory\n{up.process.log_tail()}")
    up.interrupt()
    up.wait_until_ended(60)

    rows = up.rows()
    total = up.summary["total"]
    assert total["stored"] == len(rows) > 0, up.process.log_tail()
    assert total["unaccounted"] == total["unbalanced"] == 0
    assert {row.provenance.recipe for row in rows} == {recipe}
    shown = {"backbone.name": TINY_CLIP, **changes}  # the file of weights is known by the digest
    assert all(row.provenance.recipe_changes == shown for row in rows)
    learned = [row for row in rows if row.mode is Mode.MEMORY]
    assert learned, up.process.log_tail()
    known = {row.inspection_id for row in rows if row.mode is Mode.ZERO_SHOT}
    for row in learned:
        image = next(each for each in row.modalities if each.modality == "rgb")
        assert image.shots == 6
        assert image.closest_reference in known
    first = next(row for row in rows if row.mode is Mode.ZERO_SHOT)
    assert next(each for each in first.modalities if each.modality == "rgb").shots == 0
