import subprocess
import sys
from pathlib import Path

import numpy as np

import lineside.cli
from wire.image_codec import decode_image


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lineside", "synth", *arguments],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        cwd=Path(lineside.cli.__file__).parents[1],
    )  # fmt: skip


def test_a_sheet_has_a_row_per_line(tmp_path: Path) -> None:
    families = ("--family", "cast", "--family", "gear")

    answer = run("--sheet", tmp_path / "sheet.png", *families, "--lines", "3", "--size", "48")

    assert answer.returncode == 0, answer.stderr
    assert "3 lines" in answer.stdout
    sheet = decode_image((tmp_path / "sheet.png").read_bytes())
    # A tile is 48 px with a caption of 14 and a gap of 3; 2 good, 4 bad ones twice, 3 modalities.
    assert sheet.shape == (3 * (48 + 14 + 3), 13 * (48 + 3), 3)


def test_an_export_has_good_pictures_and_a_mask_for_every_bad_one(tmp_path: Path) -> None:
    arguments = (
        "--export",
        "mvtec",
        tmp_path,
        "--family",
        "rolled",
        "--normals",
        "4",
        "--defects",
        "5",
        "--size",
        "48",
    )

    answer = run(*arguments)

    assert answer.returncode == 0, answer.stderr
    assert "10 images of 1 lines" in answer.stdout
    root = tmp_path / "rolled_0"
    assert [path.name for path in sorted((root / "train" / "good").iterdir())] == [f"00{n}.png" for n in range(4)]
    assert len(list((root / "test" / "good").iterdir())) == 1
    bad = sorted(path for path in (root / "test").rglob("*.png") if path.parent.name != "good")
    assert len(bad) == 5
    for path in bad:
        mask = decode_image((root / "ground_truth" / path.parent.name / f"{path.stem}_mask.png").read_bytes())
        assert mask.shape == decode_image(path.read_bytes()).shape == (48, 48, 3)
        assert set(np.unique(mask)) == {0, 255}
    again = run(*arguments)
    assert again.returncode == 2
    assert "rolled_0 exists already" in again.stderr


def test_what_cannot_be_drawn_is_told_without_a_traceback(tmp_path: Path) -> None:
    for arguments, message in (
        ((), "give --sheet FILE.png or --export mvtec DIR"),
        (("--sheet", tmp_path / "s.png", "--family", "gold"), "--family: gold is none of brushed, "),
        (("--sheet", tmp_path / "s.png", "--family", "photograph"), "--family photograph: needs --photos DIR"),
        (("--sheet", tmp_path / "s.png", "--photos", tmp_path), "holds no image"),
        (("--sheet", tmp_path / "no" / "s.png", "--lines", "1"), "does not exist"),
    ):
        answer = run(*arguments)
        assert answer.returncode == 2, answer.stdout
        assert message in answer.stderr
        assert "Traceback" not in answer.stderr
