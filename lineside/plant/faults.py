"""Faults of the virtual plant: what can go wrong, how often, and when."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from wire.errors import ConfigurationError


class Fault(StrEnum):
    """What a plant can do wrong; the values are the names on the command line, in the API and in the truth."""

    CAMERA_DROPS = "camera_drops"  # the camera numbers a frame and never delivers it
    CORRUPT_IMAGE = "corrupt_image"  # the second half of the file is missing
    EMPTY_IMAGE = "empty_image"  # a file of zero bytes
    DUPLICATE = "duplicate"  # the same frame is delivered twice
    OUT_OF_ORDER = "out_of_order"  # the frame is delivered after the next one
    CLOCK_BACK = "clock_back"  # the camera's clock is an hour slow for this frame
    LATE_SENSOR = "late_sensor"  # the PLC's values reach the server seconds late
    PRODUCT_CHANGE = "product_change"  # the next part is another product
    PLC_RESTART = "plc_restart"  # the part counter starts again, in a new trigger session
    SERVER_RESTART = "server_restart"  # the OPC UA server goes away for some seconds


# Faults of the whole plant; a line cannot have them alone.
PLANT_WIDE = frozenset({Fault.SERVER_RESTART})

_RATE = re.compile(r"([a-z_]+)=([0-9.eE+-]+)\Z")
_MOMENT = re.compile(r"([a-z_]+)@([0-9.]+)\Z")


@dataclass(frozen=True, kw_only=True)
class FaultPlan:
    """``rates``: probability per part; ``schedule``: (seconds of production, fault), ascending."""

    rates: tuple[tuple[Fault, float], ...] = ()
    schedule: tuple[tuple[float, Fault], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "FaultPlan":
        """Read ``camera_drops=0.01,server_restart@30``. ConfigurationError lists every piece that is wrong."""
        rates: dict[Fault, float] = {}
        schedule: list[tuple[float, Fault]] = []
        wrong: list[str] = []
        known = f"known are {', '.join(sorted(Fault))}"
        for piece in filter(None, (raw.strip() for raw in text.split(","))):
            rate, moment = _RATE.match(piece), _MOMENT.match(piece)
            match = rate or moment
            if match is None:
                wrong.append(f"faults: {piece!r} is neither name=probability nor name@seconds; {known}")
            elif match[1] not in set(Fault):
                wrong.append(f"faults: {match[1]!r} is not a fault; {known}")
            elif moment:
                schedule.append((float(match[2]), Fault(match[1])))
            elif not 0 <= float(match[2]) <= 1:
                wrong.append(f"faults: {piece!r}: a probability lies between 0 and 1")
            else:
                rates[Fault(match[1])] = float(match[2])
        if wrong:
            raise ConfigurationError(wrong)
        return cls(rates=tuple(rates.items()), schedule=tuple(sorted(schedule)))


class FaultDice:
    """Decides the faults of each part of one line: by the plan's rates, and what was asked for by hand."""

    def __init__(self, plan: FaultPlan, *, seed: Sequence[int]) -> None:
        self._rates = plan.rates
        self._rng = np.random.default_rng(list(seed))
        self._asked: Counter[Fault] = Counter()

    def ask(self, fault: Fault, count: int = 1) -> None:
        """Let ``fault`` happen to the next ``count`` parts."""
        self._asked[fault] += count

    def roll(self) -> frozenset[Fault]:
        """The faults of the next part."""
        chances = self._rng.random(len(self._rates))
        faults = {fault for (fault, rate), chance in zip(self._rates, chances, strict=True) if chance < rate}
        for fault in list(self._asked):
            faults.add(fault)
            self._asked[fault] -= 1
            if not self._asked[fault]:
                del self._asked[fault]
        return frozenset(faults)
