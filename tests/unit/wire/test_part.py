"""A part as a detector sees it."""

from uuid import UUID

import numpy as np

from wire.part import Part


def test_modalities_are_named_in_one_fixed_order() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    part = Part(
        inspection_id=UUID(int=1),
        line="a.b.c",
        part_id="P",
        images={"rgb": image, "infrared": image},
        depth_mm=np.zeros((2, 2), np.float32),
    )
    assert part.modalities == ("infrared", "rgb", "depth")
