"""Tells the plant when a line has learned its product, so that it goes on with parts that may be bad."""

from collections.abc import Callable

from lineside.plant_client import PlantClient
from storage.line_states import LineStateStore
from wire.errors import RetryLater


class Commissioning:
    """Compares what the plant waits for with what SQL knows. Call ``look`` about every second."""

    def __init__(self, plant: PlantClient, states: LineStateStore, tell: Callable[[str], None]) -> None:
        self._plant = plant
        self._states = states
        self._tell = tell
        self._told: set[tuple[str, str]] = set()
        self.learning: frozenset[str] = frozenset()  # lines that did not know their product at the last look

    def look(self) -> None:
        """Release every line whose product has an active version. Silent while plant or database are away."""
        try:
            state = self._plant.state()
            self.learning = frozenset(line for line, figures in state.items() if not figures["commissioned"])
            for line in self.learning:
                if state[line]["product"]:
                    self._release(line, state[line]["product"])
        except RetryLater:
            return

    def _release(self, line: str, product: str) -> None:
        version = self._states.active(line, product)
        if version is None or not self._plant.commissioned(line, product):
            return
        if (line, product) not in self._told:
            self._told.add((line, product))
            self._tell(f"{line} has learned product {product} (version {version}); defects may come now")
