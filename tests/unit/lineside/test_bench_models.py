import sys
from pathlib import Path

import pytest

from lineside.bench.anomalib_environment import ANOMALIB, Unavailable, anomalib_python
from lineside.bench.full_memory import draw_pictures, learn_full
from lineside.bench.inspecting_process import InspectingProcess
from lineside.bench.model_settings import ModelBench, ModelBenchSettings, ModelScale
from lineside.bench.models import run
from models.recipes.loader import load_inspector
from wire.errors import MustStop

TINY = ModelScale(repetitions=2, images=1, searches=1, anomalib_references=(40,))
REQUESTS = "import sys; from lineside.bench.patchcore.inspect_requests import answer_requests; "


def asking(program: str, folder: Path) -> InspectingProcess:
    return InspectingProcess([sys.executable, "-c", REQUESTS + program], folder / "log", threads=1)


def test_a_process_inspects_as_many_pictures_as_it_is_asked_to(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = f"answer_requests(lambda index: open({str(seen)!r}, 'a').write(str(index)))"

    with asking(program, tmp_path) as process:
        first, second = process.seconds(3), process.seconds(2)
        peak = process.peak_bytes()

    assert seen.read_text() == "01201"
    assert min(first, second) > 0
    assert peak > 4 * 1024 * 1024  # no interpreter is smaller


def test_a_process_that_ends_by_itself_leaves_its_last_words(tmp_path: Path) -> None:
    with (
        asking("sys.exit('no such memory')", tmp_path) as process,
        pytest.raises(MustStop, match="ended by itself:\nno such memory"),
    ):
        process.seconds(1)


def test_references_that_do_not_fill_a_memory_are_refused() -> None:
    pictures = draw_pictures(3)

    with pytest.raises(MustStop, match="2 references fill 2048 of 4096 vectors"):
        learn_full(load_inspector("filter_bank"), pictures[:2], pictures[2:])


def test_an_environment_that_is_complete_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "complete").write_text(ANOMALIB)

    assert anomalib_python(tmp_path, pytest.fail) == tmp_path / "bin" / "python"


def test_without_uv_the_comparison_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Unavailable, match="needs uv on PATH"):
        anomalib_python(tmp_path / "environment", pytest.fail)


def test_a_run_measures_what_it_is_asked_for_and_says_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    settings = ModelBenchSettings(
        benches=(ModelBench.RESNET18, ModelBench.NETWORK, ModelBench.SEARCH, ModelBench.ANOMALIB),
        recipe="filter_bank",
        threads=1,
        scale=TINY,
        environment=tmp_path / "environment",
    )

    report = run(settings, lambda _: None)

    names = [each.name for each in report.comparisons]
    assert names == ["resnet18", "search, 64 numbers", "search, 192 numbers", "search, many lines"]
    assert all(len(each.ratios) == 2 and each.ratio > 0 for each in report.comparisons)
    assert report.skipped.keys() == {"network", "anomalib"}
    assert report.skipped["network"] == "the recipe has no network"
    assert "needs uv" in report.skipped["anomalib"]
