"""Parts whose picture is a file of a folder: known good ones first, then a seeded mixture of all others, in a loop."""

import numpy as np

from lineside.plant.image_folder import FolderImage, ImageFolder
from lineside.plant.produced_part import ProducedPart, Shot
from models.synth.line import draw_line
from models.synth.sensor_trace import draw_traces
from wire.errors import ConfigurationError
from wire.frame import RGB


class FolderParts:
    """Implements PartSource. The bytes of a file are passed on as they are, readable or not."""

    def __init__(self, folder: ImageFolder, *, seed: int, learning_parts: int, commissioning: bool = True) -> None:
        self._product = folder.directory.resolve().name
        self._sensors = draw_line(seed).sensors
        self._seed = seed
        rng = np.random.default_rng([0xF01D, seed])
        good = [folder.good_first[at] for at in rng.permutation(len(folder.good_first))]
        self._learned = good[: learning_share(folder, learning_parts)]
        self._mixture = [*good[len(self._learned) :], *folder.others] or list(self._learned)
        # Without a folder of known good images the line learns from what comes first, as any line without labels does.
        self.commissioning_parts = (len(self._learned) or learning_parts) if commissioning else 0

    def part(self, index: int, *, commissioning: bool, product_index: int) -> ProducedPart:
        """Read the next file; OSError if it has gone meanwhile."""
        image = (
            self._learned[index % len(self._learned)] if commissioning and self._learned else self._from_mixture(index)
        )
        rng = np.random.default_rng([0x5E45, self._seed, commissioning, index])
        return ProducedPart(
            product=self._product if product_index == 0 else f"{self._product}-{product_index + 1}",
            shots=(
                Shot(
                    modality=RGB,
                    data=image.path.read_bytes(),
                    extension=image.path.suffix.lower(),
                    origin=str(image.path),
                ),
            ),
            sensors=draw_traces(self._sensors, rng, (), rng),
            defect=image.defect,
            defect_type=image.defect_type,
            defect_modalities=(RGB,) if image.defect else (),
        )

    def _from_mixture(self, index: int) -> FolderImage:
        """Every image once per round, in an order of its own each round."""
        size = len(self._mixture)
        order = np.random.default_rng([0x0D37, self._seed, index // size]).permutation(size)
        chosen: FolderImage = self._mixture[int(order[index % size])]
        return chosen


def learning_share(folder: ImageFolder, learning_parts: int) -> int:
    """How many of the known good images are learned: at most ``learning_parts`` of ``train/good``, else of two thirds.

    The last third stays for the mixture: without good parts in it, false alarms could not be seen. 0 if none is known.
    """
    known = len(folder.good_first)
    if known == 1:
        raise ConfigurationError(
            [f"--source: {folder.directory} has one known good image; a line learns from 2 or more"]
        )
    spare = any(image.defect is False for image in folder.others)
    return min(known if spare else max(2, known * 2 // 3), learning_parts) if known else 0
