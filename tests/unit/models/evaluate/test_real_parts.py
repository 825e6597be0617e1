"""What ships, on real parts that it was not trained on; LINESIDE_SOAK=1 measures every image and the stated figures."""

import csv
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.evaluate.dataset_file import DatasetFile, named_layout
from models.evaluate.results import EvaluationResult
from models.evaluate.session import Settings, run_evaluation
from wire.line_state import Matching

SOAK = bool(os.environ.get("LINESIDE_SOAK"))
MEAN = "mean of kinds"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if SOAK else 300)]


def measured(
    root: Path, options: DatasetFile, *recipes: str, shots: int, per_kind: int, matching: Matching = ""
) -> EvaluationResult:
    settings = Settings(
        dataset=root,
        options=options,
        recipes=recipes,
        shots=(shots,),
        draws=5 if SOAK and shots > 1 else 1,
        images_per_kind=None if SOAK else per_kind,
        threads=1,
        matching=matching,
    )
    return run_evaluation(settings, lambda _: None)


def figure(result: EvaluationResult, recipe: int, name: str) -> float:
    spread = result.detectors[recipe].shots[0].spread[MEAN][name]
    assert spread is not None
    return spread.mean


def boards(data_dir: Path, root: Path, count: int) -> Path:
    """DeepPCB as MVTec objects: each board with its own template as only reference, its boxes as mask."""
    data = data_dir / "deeppcb"
    for row in list(csv.DictReader((data / "manifest.csv").read_text().splitlines()))[:count]:
        board = root / Path(row["file"]).stem
        for folder, source in (("train/good", row["template"]), ("test/defect", row["file"])):
            (board / folder).mkdir(parents=True)
            (board / folder / "board.jpg").symlink_to((data / source).resolve())
        mask = np.zeros((640, 640), np.uint8)
        for line in (data / row["boxes"]).read_text().splitlines():
            left, top, right, bottom = map(int, line.split()[:4])
            mask[top:bottom, left:right] = 255
        (board / "ground_truth/defect").mkdir(parents=True)
        cv2.imwrite(str(board / "ground_truth/defect/board_mask.png"), mask)
    return root


def test_defects_of_magnet_tiles_are_found_with_four_good_tiles(data_dir: Path) -> None:
    root = data_dir / "magnetic_tile"
    result = measured(root, named_layout("magnetic_tile"), "embedded", "filter_bank", shots=4, per_kind=6)
    assert figure(result, 0, "pixel_auroc") > figure(result, 1, "pixel_auroc") + 0.05
    # Wanted at least; few pictures scatter around the .923, .851 and .813 of all.
    for name, wanted in (("pixel_auroc", 0.92), ("image_auroc", 0.85), ("aupro_30", 0.78)):
        assert figure(result, 0, name) >= wanted - (0 if SOAK else 0.05), name


@pytest.mark.parametrize(("name", "wanted"), [("magnetic_tile", 0.80), ("neu_seg", 0.87)])
def test_defects_are_found_without_any_reference(data_dir: Path, name: str, wanted: float) -> None:
    result = measured(data_dir / name, named_layout(name), "embedded", "blur", shots=0, per_kind=6)
    assert figure(result, 0, "pixel_auroc") > figure(result, 1, "pixel_auroc") + 0.05
    assert figure(result, 0, "pixel_auroc") >= wanted - (0 if SOAK else 0.05)


def test_a_board_is_compared_with_its_template(data_dir: Path, tmp_path: Path) -> None:
    """A registered difference reaches .844 on all 75."""
    root = boards(data_dir, tmp_path / "deeppcb", 75 if SOAK else 4)
    result = measured(root, DatasetFile(layout="mvtec"), "embedded", shots=1, per_kind=1, matching="aligned")
    assert figure(result, 0, "pixel_auroc") > 0.93
