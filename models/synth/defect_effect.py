"""What a defect does to the scene within its support: paint, gain, relief, smoothing, bending, cuts, transplants."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from models.synth.channels import Picture, filled, mix, times, tinted
from models.synth.defect_shape import Support
from models.synth.scene import Scene
from models.synth.seeding import Plane, clouds

Colour = tuple[float, float, float]
_BLACK = np.float32(0.01)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Into which modalities a defect is drawn."""

    rgb: bool
    depth: bool
    infrared: bool


def add(scene: Scene, support: Support, change: Plane, tint: Colour = (1.0, 1.0, 1.0)) -> None:
    """Brighten (or darken) the reflectance by ``change`` (h, w)."""
    below = scene.albedo[support.window]
    scene.albedo[support.window] = np.maximum(below + tinted(change, tint, below), _BLACK)


def multiply(scene: Scene, support: Support, gain: Plane) -> None:
    """Reflectance times ``gain`` (h, w)."""
    below = scene.albedo[support.window]
    scene.albedo[support.window] = np.maximum(times(below, gain), _BLACK)


def cover(scene: Scene, support: Support, above: Picture | Colour) -> None:
    """Hide the surface behind a colour or a picture (h, w[, 3])."""
    below = scene.albedo[support.window]
    picture = filled(above, below) if isinstance(above, tuple) else above
    scene.albedo[support.window] = np.maximum(mix(below, picture, support.share), _BLACK)


def raise_surface(scene: Scene, support: Support, height_mm: Plane, shown: Shown) -> None:
    """Add ``height_mm`` (h, w) to what is lit, to what a 3D sensor measures, or to both."""
    if shown.rgb:
        scene.relief_mm[support.window] += height_mm
        scene.lit_relief = True
    if shown.depth:
        scene.shape_mm[support.window] += height_mm


def heat(scene: Scene, support: Support, change: float) -> None:
    """Change the warmth by ``change`` where the support is, spread as heat spreads."""
    soft = cv2.GaussianBlur(support.share, (0, 0), max(0.8, support.thickness_px / 4))
    scene.warmth[support.window] += np.asarray(soft, np.float32) * np.float32(change)


def smooth(scene: Scene, support: Support, sigma_px: float) -> None:
    """Blur the surface."""
    below = scene.albedo[support.window]
    blurred = np.asarray(cv2.GaussianBlur(below, (0, 0), sigma_px), np.float32)
    scene.albedo[support.window] = mix(below, blurred, support.share)


def stretch_contrast(scene: Scene, support: Support, factor: float, sigma_px: float) -> None:
    """Make the texture stronger (factor > 1) or weaker, the mean stays."""
    below = scene.albedo[support.window]
    mean = np.asarray(cv2.GaussianBlur(below, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.float32)
    scene.albedo[support.window] = np.maximum(
        below + times(below - mean, support.share * np.float32(factor - 1)), _BLACK
    )


def bend(scene: Scene, support: Support, reach_px: float, rng: Generator) -> None:
    """Shift the surface by up to about ``reach_px`` in a smooth field."""
    height, width = support.share.shape
    cells = 2.5 * max(height, width) / max(support.thickness_px * 2, 4)
    x = np.arange(width, dtype=np.float32)[None, :] + support.share * np.float32(reach_px) * clouds(
        rng, height, width, cells
    )
    y = np.arange(height, dtype=np.float32)[:, None] + support.share * np.float32(reach_px) * clouds(
        rng, height, width, cells
    )
    below = scene.albedo[support.window]
    scene.albedo[support.window] = cv2.remap(below, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def transplant(scene: Scene, support: Support, rng: Generator) -> None:
    """Replace the surface by a piece of the same part from elsewhere, turned or mirrored."""
    height, width = support.share.shape
    rows, columns = scene.albedo.shape[:2]
    y, x = int(rng.integers(max(1, rows - height + 1))), int(rng.integers(max(1, columns - width + 1)))
    piece = scene.albedo[y : y + height, x : x + width]
    turn = int(rng.integers(1, 4))
    turned = np.rot90(piece, turn)
    if turned.shape[:2] != (height, width):
        turned = np.asarray(cv2.resize(np.ascontiguousarray(turned), (width, height)), np.float32)
    if rng.random() < 0.3:
        turned = np.asarray(
            cv2.resize(np.ascontiguousarray(turned[: max(2, height // 2), : max(2, width // 2)]), (width, height)),
            np.float32,
        )
    below = scene.albedo[support.window]
    scene.albedo[support.window] = mix(below, np.ascontiguousarray(turned), support.share)


def cut(scene: Scene, support: Support, shown: Shown, deep_mm: float) -> None:
    """Break the part away: the background shows, the surface drops."""
    if shown.rgb:
        below = scene.albedo[support.window]
        scene.albedo[support.window] = mix(below, scene.backdrop[support.window], support.share)
        scene.relief_mm[support.window] *= 1 - support.share
    if shown.depth:
        shape = scene.shape_mm[support.window]
        scene.shape_mm[support.window] = shape * (1 - support.share) - support.share * np.float32(deep_mm)


def ghost(scene: Scene, support: Support, shift_px: tuple[float, float], strength: float) -> None:
    """A second, shifted image of the surface, as a slipping print gives."""
    below = scene.albedo[support.window]
    height, width = support.share.shape
    move = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]], np.float64)
    moved = np.asarray(cv2.warpAffine(below, move, (width, height), borderMode=cv2.BORDER_REFLECT), np.float32)
    scene.albedo[support.window] = mix(below, moved, support.share * np.float32(strength))
