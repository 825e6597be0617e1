"""Measuring two sides alternately, so that what disturbs the machine for a while disturbs both."""

from collections.abc import Callable

Measurement = Callable[[], float]


def interleave(
    product: Measurement, baseline: Measurement, repetitions: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(product's values, baseline's values). Which side goes first changes each time: a drift favours neither."""
    of_product, of_baseline = [], []
    for repetition in range(repetitions):
        if repetition % 2:
            of_baseline.append(baseline())
            of_product.append(product())
        else:
            of_product.append(product())
            of_baseline.append(baseline())
    return tuple(of_product), tuple(of_baseline)
