"""Every folder here is a bug that was: references and a part go in, the finding that is right comes out."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from models.recipes import load_inspector
from wire.image_codec import decode_image
from wire.line_state import LineSpec
from wire.part import Part

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/input"))


def part(image: Path, index: int) -> Part:
    pixels = decode_image(image.read_bytes())
    return Part(inspection_id=UUID(int=index), line="site.area.line", part_id=image.stem, images={"rgb": pixels})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_finding_is_the_expected_one(case: Path):
    expected = json.loads((case / "expected" / "finding.json").read_text(encoding="utf-8"))
    inspector = load_inspector("embedded", threads=1)
    references = [part(path, i) for i, path in enumerate(sorted((case / "input").glob("reference_*.png")))]
    state = inspector.build_state(references, LineSpec(line="site.area.line"))
    (finding,) = inspector.inspect([part(case / "input" / "part.png", 99)], [state])
    assert finding.verdict.value == expected["verdict"]
    assert finding.pictures["rgb"].mask.tolist() == expected["mask"]
    assert [list(region.xyxy_px) for region in finding.regions] == expected["boxes"]
