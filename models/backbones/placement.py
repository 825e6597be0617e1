"""The device that a name means."""

import torch

from wire.errors import ConfigurationError


def place_of(device: str) -> torch.device:
    """``cpu``, ``cuda``, ``cuda:1`` …; ConfigurationError if it is not there."""
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError([f"device {device!r}: {error}"]) from error
    return place
