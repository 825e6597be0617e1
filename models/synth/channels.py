"""Arithmetic of a picture (H, W) or (H, W, 3) with a plane (H, W), by OpenCV: broadcasting a last axis is slow."""

import cv2
import numpy as np

from models.synth.seeding import Plane

# A picture is (H, W) for a grey line and (H, W, 3) for a coloured one, float32, 0..1 = full range of the camera.
Picture = Plane


def spread(plane: Plane, like: Picture) -> Picture:
    """The plane, once per channel of ``like``."""
    return plane if like.ndim == 2 else np.asarray(cv2.merge([plane, plane, plane]), np.float32)


def times(picture: Picture, plane: Plane) -> Picture:
    """Every channel times the plane."""
    return np.asarray(cv2.multiply(picture, spread(plane, picture)), np.float32)


def mix(below: Picture, above: Picture, share: Plane) -> Picture:
    """``above`` where share is 1, ``below`` where it is 0."""
    return below + times(above - below, share)


def tinted(plane: Plane, colour: tuple[float, float, float], like: Picture) -> Picture:
    """The plane in a colour; on a grey picture, times the colour's mean."""
    if like.ndim == 2:
        return plane * np.float32(sum(colour) / 3)
    return np.asarray(cv2.merge([plane * np.float32(value) for value in colour]), np.float32)


def filled(colour: tuple[float, float, float], like: Picture) -> Picture:
    """A picture of one colour."""
    return tinted(np.ones(like.shape[:2], np.float32), colour, like)


def grey_of(picture: Picture) -> Plane:
    """The mean of the channels, (H, W)."""
    return picture if picture.ndim == 2 else np.asarray(cv2.transform(picture, _MEAN_OF_CHANNELS), np.float32)


_MEAN_OF_CHANNELS = np.full((1, 3), 1 / 3, np.float32)
