"""Pictures that the student sees in distillation: photographs, laid over each other, marked, worn, and badly taken.

What is drawn here needs no truth: the teacher says what there is to see. It has to be as varied as plants are.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.photographs import Photographs

Picture = NDArray[np.float32]

_P_SECOND_MATERIAL = 0.45
_P_MARKS = 0.6
_P_GREY = 0.5
# (side_px, count) by turns, about half a million pixels each: many small crops teach the texture of many materials,
# large ones what surrounds a place, at the size at which parts are judged.
SMALL_FIRST = ((128, 32), (128, 32), (192, 14), (256, 8))
LARGE_FIRST = ((256, 8), (192, 14), (256, 8), (320, 5))


def draw_batch(photographs: Photographs, *, seed: int, step: int, count: int, side_px: int) -> NDArray[np.float32]:
    """(count, 3, side, side) float32 in [0, 1]; a function of its arguments, so that a resumed run goes on exactly."""
    crops = [_draw(photographs, side_px, np.random.default_rng([0xD157, seed, step, index])) for index in range(count)]
    return np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)


def _draw(photographs: Photographs, side_px: int, rng: np.random.Generator) -> Picture:
    picture = _relit(photographs.crop(side_px, rng), rng)
    if rng.random() < _P_SECOND_MATERIAL:
        cover = _soft_mask(side_px, rng)[:, :, None]
        picture = picture * (1 - cover) + _relit(photographs.crop(side_px, rng), rng) * cover
    if rng.random() < _P_MARKS:
        for _ in range(int(rng.integers(1, 5))):
            picture = _marked(picture, rng)
    return _taken(picture, rng)


def _relit(picture: Picture, rng: np.random.Generator) -> Picture:
    """Another colour, contrast and brightness of the same material."""
    if rng.random() < _P_GREY:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.float32)
    elif rng.random() < 0.5:
        picture = picture * rng.uniform(0.7, 1.3, 3).astype(np.float32)
    middle = np.float32(picture.mean())
    contrast = np.float32(np.exp(rng.uniform(np.log(0.25), np.log(2.5))))
    level = np.float32(rng.uniform(0.1, 0.85))
    return np.asarray(np.clip((picture - middle) * contrast + level, 0, 1), np.float32)


def _soft_mask(side_px: int, rng: np.random.Generator) -> Picture:
    """(side, side) in 0..1: half planes, bands, discs, polygons, clouds, stripes."""
    kind = int(rng.integers(6))
    y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float32) / np.float32(side_px) - np.float32(0.5)
    turn = rng.uniform(0, np.pi)
    along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    softness = np.float32(np.exp(rng.uniform(np.log(0.004), np.log(0.2))))
    if kind == 0:
        field = along - np.float32(rng.uniform(-0.3, 0.3))
    elif kind == 1:
        field = np.float32(rng.uniform(0.03, 0.25)) - np.abs(along - np.float32(rng.uniform(-0.3, 0.3)))
    elif kind == 2:
        cx, cy = rng.uniform(-0.4, 0.4, 2)
        field = np.float32(rng.uniform(0.05, 0.4)) - np.hypot(x - np.float32(cx), y - np.float32(cy))
    elif kind == 3:
        canvas = np.zeros((side_px, side_px), np.uint8)
        corners = rng.uniform(0, side_px, (int(rng.integers(3, 7)), 2)).astype(np.int32)
        cv2.fillPoly(canvas, [cv2.convexHull(corners)], 255, cv2.LINE_AA)
        blurred = cv2.GaussianBlur(canvas, (0, 0), max(0.5, float(softness) * side_px / 4))
        return np.asarray(blurred.astype(np.float32) / np.float32(255), np.float32)
    elif kind == 4:
        cells = int(rng.integers(3, 12))
        clouds = cv2.resize(
            rng.standard_normal((cells, cells)).astype(np.float32), (side_px, side_px), interpolation=cv2.INTER_CUBIC
        )
        field = (clouds - np.float32(rng.uniform(-0.5, 1.5))) * np.float32(0.1)
    else:
        field = np.sin(along * np.float32(rng.uniform(6, 120)) + np.float32(rng.uniform(0, 6))) * np.float32(0.05)
        field += np.float32(rng.uniform(-0.04, 0.04))
    return np.asarray(1 / (1 + np.exp(np.clip(-field / softness * 4, -30, 30))), np.float32)


def _marked(picture: Picture, rng: np.random.Generator) -> Picture:
    """One stroke, chain of strokes, speck, ring, bar or text, painted or scratched in."""
    side_px = picture.shape[0]
    canvas = np.zeros((side_px, side_px), np.uint8)
    kind = int(rng.integers(5))
    x, y = (int(v) for v in rng.uniform(0, side_px, 2))
    if kind <= 1:
        steps = rng.normal(0, side_px * rng.uniform(0.02, 0.12), (int(rng.integers(2, 9)), 2))
        points = np.cumsum(steps, axis=0) + np.array([x, y])
        cv2.polylines(canvas, [points.astype(np.int32)], False, 255, int(rng.integers(1, 5)), cv2.LINE_AA)
    elif kind == 2:
        for _ in range(int(rng.integers(1, 8))):
            at = (int(x + rng.normal(0, side_px / 10)), int(y + rng.normal(0, side_px / 10)))
            axes = (int(rng.integers(1, max(2, side_px // 10))), int(rng.integers(1, max(2, side_px // 10))))
            cv2.ellipse(canvas, at, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    elif kind == 3:
        other = (int(x + rng.integers(2, side_px // 2)), int(y + rng.integers(2, side_px // 2)))
        cv2.rectangle(canvas, (x, y), other, 255, -1 if rng.random() < 0.5 else int(rng.integers(1, 6)), cv2.LINE_AA)
    else:
        text = "".join(rng.choice(list("ABCDEFHKLMNPRSTUVXYZ0123456789"), 4))
        cv2.putText(
            canvas,
            text,
            (x // 2, y),
            cv2.FONT_HERSHEY_SIMPLEX,
            float(rng.uniform(0.4, 1.5)),
            255,
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )
    plane = canvas.astype(np.float32) / np.float32(255)
    if rng.random() < 0.4:
        sigma_px = float(np.exp(rng.uniform(np.log(0.5), np.log(side_px / 12))))
        plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_px), np.float32)
    cover = plane[:, :, None]
    if rng.random() < 0.6:
        return np.asarray(np.clip(picture + cover * np.float32(rng.normal(0, 0.25)), 0, 1), np.float32)
    return np.asarray(picture * (1 - cover) + cover * rng.uniform(0, 1, 3).astype(np.float32), np.float32)


def _taken(picture: Picture, rng: np.random.Generator) -> Picture:
    """Light from a side, glare, focus, noise, compression."""
    side_px = picture.shape[0]
    if rng.random() < 0.5:
        ramp = np.linspace(-0.5, 0.5, side_px, dtype=np.float32)
        light = 1 + np.float32(rng.normal(0, 0.35)) * ramp[None, :] + np.float32(rng.normal(0, 0.35)) * ramp[:, None]
        picture = picture * light[:, :, None]
    if rng.random() < 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 2.0))), np.float32)
    if rng.random() < 0.5:
        grain = rng.standard_normal((side_px, side_px, 1), dtype=np.float32) * np.float32(rng.uniform(0.004, 0.05))
        picture = picture + grain
    picture = np.clip(picture, 0, 1)
    if rng.random() < 0.25:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        packed = cv2.imencode(".jpg", (picture * 255).astype(np.uint8), quality)[1]
        unpacked = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        picture = unpacked.astype(np.float32) / np.float32(255)
    return np.asarray(picture, np.float32)
