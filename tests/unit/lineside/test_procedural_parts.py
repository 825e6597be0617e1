from lineside.plant.procedural_parts import ProceduralParts
from wire.image_codec import decode_depth, decode_image


def test_commissioning_parts_are_good_and_later_ones_have_the_stated_rate() -> None:
    parts = ProceduralParts(seed=2, depth=False, defect_rate=0.5, commissioning_parts=4)

    assert [parts.part(n, commissioning=True, product_index=0).defect for n in range(4)] == [False] * 4
    later = [parts.part(n, commissioning=False, product_index=0).defect for n in range(60)]
    assert 18 <= sum(bool(defect) for defect in later) <= 42  # four sigma around 30


def test_equal_arguments_make_equal_parts_and_products_differ() -> None:
    first = ProceduralParts(seed=2, depth=False, defect_rate=0.5, commissioning_parts=4)
    second = ProceduralParts(seed=2, depth=False, defect_rate=0.5, commissioning_parts=4)

    one = first.part(7, commissioning=False, product_index=0)
    assert one.shots[0].data == second.part(7, commissioning=False, product_index=0).shots[0].data
    other = first.part(7, commissioning=False, product_index=1)
    assert (one.product, other.product) == ("A", "B")
    assert one.shots[0].data != other.shots[0].data


def test_depth_travels_as_16_bit_image_with_its_scale_and_intrinsics() -> None:
    parts = ProceduralParts(seed=1, depth=True, defect_rate=0.0, commissioning_parts=1)

    rgb, depth = parts.part(0, commissioning=False, product_index=0).shots

    assert (rgb.modality, depth.modality) == ("rgb", "depth")
    scale = float(depth.attributes["depthscale"])
    millimetres = decode_depth(depth.data, mm_per_count=scale)
    assert millimetres.shape == decode_image(rgb.data).shape[:2]
    assert 290 < float(millimetres[millimetres == millimetres].mean()) < 510  # the stand-offs that are drawn
    assert len(depth.attributes["intrinsics"].split(",")) == 4


def test_a_line_without_depth_sensor_has_no_defect_that_only_depth_would_show() -> None:
    parts = ProceduralParts(seed=3, depth=False, defect_rate=1.0, commissioning_parts=0)

    shown = [parts.part(n, commissioning=False, product_index=0) for n in range(40)]

    assert all(part.defect and part.defect_modalities for part in shown)
    assert {name for part in shown for name in part.defect_modalities} == {"rgb", "sensor"}
