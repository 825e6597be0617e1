"""The proof that a training left alone what it is meant to leave alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from models.backbones.weights_file import parameters_sha256


@contextmanager
def proven_frozen(network: nn.Module, name: str) -> Iterator[None]:
    """RuntimeError if ``network`` is another one at the end: then the figures would mean nothing."""
    before = parameters_sha256(network)
    yield
    if parameters_sha256(network) != before:
        raise RuntimeError(f"{name} changed in training, which is meant to leave it alone")
