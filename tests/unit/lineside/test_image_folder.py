from pathlib import Path

import pytest

from lineside.plant.folder_parts import FolderParts, learning_share
from lineside.plant.image_folder import ImageFolder
from wire.errors import ConfigurationError


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_annotations_and_hidden_files_are_never_streamed(tmp_path: Path) -> None:
    make(
        tmp_path, "images/crack_1.jpg", "masks/crack_1.png", "test/ground_truth/a.png", "labels/b.bmp", "normal/c.tiff",
        ".cache/d.png", "images/.e.png", "README.md",
    )  # fmt: skip

    folder = ImageFolder.scan(tmp_path)

    assert [image.path.name for image in folder.good_first] == ["c.tiff"]
    assert [(image.path.name, image.defect, image.defect_type) for image in folder.others] == [
        ("crack_1.jpg", True, "crack")
    ]


def test_train_good_is_learned_and_test_good_is_streamed_as_good(tmp_path: Path) -> None:
    make(tmp_path, "train/good/1.png", "train/good/2.png", "test/good/3.png", "test/scratch/4.png")

    folder = ImageFolder.scan(tmp_path)

    assert [image.path.name for image in folder.good_first] == ["1.png", "2.png"]
    assert [(image.path.name, image.defect, image.defect_type) for image in folder.others] == [
        ("3.png", False, ""),
        ("4.png", True, "scratch"),
    ]
    assert learning_share(folder, 32) == 2


def test_images_without_any_known_good_one_have_no_truth(tmp_path: Path) -> None:
    folder = ImageFolder.scan(make(tmp_path, "a.jpg", "b.JPEG"))

    assert folder.good_first == ()
    assert [image.defect for image in folder.others] == [None, None]


def test_a_folder_without_images_is_refused_and_says_what_it_looked_for(tmp_path: Path) -> None:
    make(tmp_path, "masks/a.png", "notes.txt")

    with pytest.raises(ConfigurationError, match=r"has no images \(\.bmp, \.jpeg, \.jpg, \.png, \.tif, \.tiff"):
        ImageFolder.scan(tmp_path)


def test_two_thirds_of_the_known_good_are_learned_and_the_rest_is_streamed(tmp_path: Path) -> None:
    make(tmp_path, *(f"normal/{n}.png" for n in range(9)), *(f"images/hole_{n}.png" for n in range(3)))
    parts = FolderParts(ImageFolder.scan(tmp_path), seed=0, learning_parts=32)

    assert parts.commissioning_parts == 6
    learned = {parts.part(n, commissioning=True, product_index=0).shots[0].origin for n in range(6)}
    mixture = [parts.part(n, commissioning=False, product_index=0) for n in range(12)]
    first_round = {part.shots[0].origin for part in mixture[:6]}
    assert len(learned) == 6
    assert learned.isdisjoint(first_round)
    assert len(first_round) == 6
    assert first_round == {part.shots[0].origin for part in mixture[6:]}
    assert sum(part.defect is True for part in mixture[:6]) == 3


def test_a_file_is_passed_on_as_it_is_even_when_it_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    parts = FolderParts(ImageFolder.scan(tmp_path), seed=0, learning_parts=2)

    part = parts.part(0, commissioning=False, product_index=0)

    assert part.shots[0].data == b"not a picture"
    assert part.shots[0].extension == ".png"
    assert part.product == tmp_path.name


def test_one_known_good_image_is_too_few(tmp_path: Path) -> None:
    folder = ImageFolder.scan(make(tmp_path, "normal/a.png", "images/b.png"))

    with pytest.raises(ConfigurationError, match="one known good image"):
        learning_share(folder, 32)
