import numpy as np

from lineside.bench.extra_memory import extra_bytes

MIB = 1024 * 1024


def test_memory_is_counted_at_its_peak_and_from_what_was_there_before() -> None:
    kept = np.ones(64 * MIB, np.uint8)

    def work() -> None:
        np.ones(48 * MIB, np.uint8)

    assert 47 * MIB <= extra_bytes(work) < 60 * MIB  # the kernel counts pages in batches
    assert extra_bytes(lambda: None) < 4 * MIB
    assert kept.size == 64 * MIB
