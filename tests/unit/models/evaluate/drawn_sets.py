"""Small data sets of drawn images on disk, in every layout."""

import json
from pathlib import Path

import cv2
import numpy as np

SIDE = 64


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def good_image(seed: int) -> np.ndarray:
    """Weak noise around middle grey."""
    return np.random.default_rng(seed).normal(128, 3, (SIDE, SIDE)).clip(0, 255).astype(np.uint8)


def bad_image(seed: int, *, side: int = 12, strength: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """The same with a bright square, and the square's mask of 0 and 255."""
    image, mask = good_image(seed), np.zeros((SIDE, SIDE), np.uint8)
    row, column = np.random.default_rng(seed + 1).integers(4, SIDE - side - 4, 2)
    mask[row : row + side, column : column + side] = 255
    image[mask > 0] += np.uint8(strength)
    return image, mask


def mvtec(root: Path, *, objects: tuple[str, ...] = ("bolt",), train: int = 5, each: int = 3) -> Path:
    """Objects with kinds ``dent`` and ``spot``."""
    for name in objects:
        for i in range(train):
            write(root / name / "train" / "good" / f"{i:03}.png", good_image(i))
        for i in range(each):
            write(root / name / "test" / "good" / f"{i:03}.png", good_image(100 + i))
        for offset, kind in enumerate(("dent", "spot")):
            for i in range(each):
                image, mask = bad_image(200 + 50 * offset + i)
                write(root / name / "test" / kind / f"{i:03}.png", image)
                write(root / name / "ground_truth" / kind / f"{i:03}_mask.png", mask)
    return root


def plain(root: Path, *, good: int = 6, each: int = 3) -> Path:
    """Kinds by prefix, names with a part number: ``dent_part_7.png``; two images each of the good parts 1000, …."""
    for i in range(good):
        write(root / "normal" / f"free_view{i % 2}_part_{1000 + i // 2}.png", good_image(i))
    for offset, kind in enumerate(("dent", "spot")):
        for i in range(each):
            image, mask = bad_image(200 + 50 * offset + i)
            write(root / "images" / f"{kind}_part_{10 * offset + i}.png", image)
            write(root / "masks" / f"{kind}_part_{10 * offset + i}.png", mask)
    return root


def visa(root: Path, *, split: bool) -> Path:
    """One object; with ``split`` its CSV names three training images."""
    rows = ["object,split,label,image,mask"]
    for i in range(5):
        path = write(root / "candle" / "Data" / "Images" / "Normal" / f"{i:04}.JPG", good_image(i))
        rows.append(f"candle,{'train' if i < 3 else 'test'},normal,{path.relative_to(root)},")
    for i in range(2):
        image, mask = bad_image(i)
        path = write(root / "candle" / "Data" / "Images" / "Anomaly" / f"{i:03}.JPG", image)
        # VisA's own masks hold labels: 1, 2, …
        truth = write(root / "candle" / "Data" / "Masks" / "Anomaly" / f"{i:03}.png", mask // 255 * (i + 1))
        rows.append(f"candle,test,anomaly,{path.relative_to(root)},{truth.relative_to(root)}")
    if split:
        (root / "split_csv").mkdir()
        (root / "split_csv" / "1cls.csv").write_text("\n".join(rows) + "\n")
    return root


def meta(root: Path) -> Path:
    """An MVTec layout with a ``meta.json`` that names one of its objects alone."""
    mvtec(root)
    entries = {
        "train": {"bolt": [{"img_path": f"bolt/train/good/{i:03}.png", "anomaly": 0} for i in range(2)]},
        "test": {
            "bolt": [
                {"img_path": "bolt/test/good/000.png", "mask_path": "", "specie_name": "good", "anomaly": 0},
                {
                    "img_path": "bolt/test/dent/000.png",
                    "mask_path": "bolt/ground_truth/dent/000_mask.png",
                    "cls_name": "bolt",
                    "specie_name": "dent",
                    "anomaly": 1,
                },
            ]
        },
    }
    (root / "meta.json").write_text(json.dumps(entries))
    return root
