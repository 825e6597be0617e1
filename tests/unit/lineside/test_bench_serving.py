import pytest

from lineside.bench.comparison import Direction
from lineside.bench.report import Machine
from lineside.bench.serving import ServingSettings, bench_serving
from lineside.bench.serving_figures import BatchFigures, ServingFigures
from models.recipes.loader import load_inspector
from wire.errors import ConfigurationError

TINY = {"backbone.name": "tiny-clip", "backbone.seed": "0", "text.ensemble": "short"}


def test_a_device_is_measured_by_batch_and_by_the_search_that_lines_share() -> None:
    told: list[str] = []
    settings = ServingSettings(
        recipe="spgdd", changes=TINY, device="cpu", lines=3, references=2, full_vectors=600, batches=(1, 4),
        repetitions=1,
    )  # fmt: skip

    found = bench_serving(settings, told.append)

    assert (found.device, found.backbone, found.lines, found.references) == ("cpu", "tiny-clip", 3, 2)
    assert [each.batch for each in found.batches] == [1, 4]
    assert all(min(each.backbone_per_s, each.recipe_per_s, each.away_per_s) > 0 for each in found.batches)
    # Two references of four turns of 36 tokens; four whole ones fit into 600 vectors. 32, 32 and 24 numbers and owners.
    numbers = 32 + 32 + 24 + 3
    assert found.state_bytes == pytest.approx(2 * 4 * 36 * numbers * 4, rel=0.01)
    assert found.full_bytes == pytest.approx(4 * 4 * 36 * numbers * 4, rel=0.01)
    assert (found.weights_bytes, found.banks_bytes) == (None, 0)
    assert [(each.baseline_side, each.direction) for each in found.searches] == [
        ("a matrix product per line", Direction.AT_MOST),
        ("one matrix product of as many numbers", Direction.AT_MOST),
    ]
    assert "banks of 288, one 576" in found.searches[0].note
    assert told[0] == "making tiny-clip on cpu"


def test_lines_of_a_device_are_bounded_by_its_time_and_by_the_room_for_banks() -> None:
    def batch(size: int, per_s: float) -> BatchFigures:
        return BatchFigures(batch=size, backbone_per_s=900, recipe_per_s=per_s, away_per_s=100, working_bytes=2_000_000)

    found = ServingFigures(
        started_at="2026-01-01T00:00:00Z", machine=Machine.this_one(), device="a GPU", recipe="spgdd", backbone="b",
        lines=64, references=4, state_bytes=35_000_000, full_bytes=92_000_000, weights_bytes=800_000_000,
        banks_bytes=28_000_000_000, batches=(batch(1, 100), batch(32, 600), batch(64, 500)), searches=(),
    )  # type: ignore[arg-type]  # fmt: skip

    assert found.lines_by_time(rate_hz=2) == 210  # 600 parts/s, 70 % busy, 2 parts/s a line
    assert found.lines_by_memory() == 800
    assert len(found.tables(2.0)) == 3


def test_only_token_recipes_are_measured() -> None:
    settings = ServingSettings(recipe="embedded", changes={}, device="cpu")
    with pytest.raises(ConfigurationError, match="is of kind embedded, expected spgdd or samllava"):
        bench_serving(settings, pytest.fail)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match="device 'cuda:99'"):
        load_inspector("spgdd", device="cuda:99", changes=TINY)
