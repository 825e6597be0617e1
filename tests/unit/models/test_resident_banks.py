"""Banks that stay on a detector's device between calls (SYSTEMS C 19)."""

import numpy as np
import torch

from models.memory.feature_memory import FeatureMemory
from models.memory.resident_banks import ResidentBanks, usual_budget_bytes
from models.memory.token_bank import TokenBank

CPU = torch.device("cpu")


def tensors(seed: int, rows: int = 10) -> dict[str, np.ndarray]:
    """40 bytes of vectors and 80 of owners per 10 rows."""
    values = np.random.default_rng(seed).random((rows, 1), np.float32)
    return {"rgb.layer3_bank": values, "rgb.layer3_owner": np.zeros(rows, np.float32)}


def test_parts_of_one_line_share_a_bank_and_it_is_still_there_for_the_next_ones():
    banks = ResidentBanks(TokenBank.from_tensors, CPU, budget_bytes=1000)
    one, other = tensors(1), tensors(2)
    first = banks.of([one, None, other, one], ["rgb"] * 4)
    assert first[1] is None
    assert first[0] is first[3]
    assert first[0] is not first[2]
    assert banks.of([one], ["rgb"])[0] is first[0]
    assert banks.size_bytes == 2 * (40 + 80)


def test_the_least_recently_used_bank_leaves_when_the_budget_is_exceeded():
    banks = ResidentBanks(TokenBank.from_tensors, CPU, budget_bytes=2 * 120)
    states = [tensors(seed) for seed in range(3)]
    kept = [banks.of([state], ["rgb"])[0] for state in states[:2]]
    banks.of([states[0]], ["rgb"])
    banks.of([states[2]], ["rgb"])
    assert banks.size_bytes == 2 * 120
    assert banks.of([states[0]], ["rgb"])[0] is kept[0]
    again = banks.of([states[1]], ["rgb"])[0]
    assert again is not kept[1]
    assert again is not None
    np.testing.assert_array_equal(again.vectors[3].numpy(), states[1]["rgb.layer3_bank"])


def test_one_call_may_need_more_than_the_budget_and_another_state_is_never_taken_for_an_old_one():
    banks = ResidentBanks(TokenBank.from_tensors, CPU, budget_bytes=0)
    for seed in range(20):
        # Each is freed after the call: its address may be given to the next one.
        state = tensors(seed)
        found = banks.of([state, state], ["rgb", "rgb"])
        assert found[0] is found[1]
        assert found[0] is not None
        np.testing.assert_array_equal(found[0].vectors[3].numpy(), state["rgb.layer3_bank"])
        assert banks.size_bytes == 0


def test_the_shipped_networks_banks_stay_like_those_of_tokens():
    """Both banks of 4 vectors of 3 and of 2 numbers, with a reach each: 4 x (3 + 1 + 2 + 1) x 4 bytes."""
    state = {
        f"rgb.{scale}_{name}": np.ones((4, width) if name == "bank" else (4,), np.float32)
        for scale, width in (("fine", 3), ("coarse", 2))
        for name in ("bank", "reach")
    }
    banks = ResidentBanks(FeatureMemory.from_tensors, CPU, budget_bytes=1000)
    (first,) = banks.of([state], ["rgb"])
    assert banks.of([state, None], ["rgb", "rgb"]) == [first, None]
    assert banks.size_bytes == 112


def test_on_a_cpu_states_lie_in_its_memory_anyhow():
    assert usual_budget_bytes(CPU) == 0
