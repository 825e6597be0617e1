from pathlib import Path

import pytest
import torch

from models.train.checked_steps import checked_steps
from models.train.checkpoint import read_checkpoint, save_checkpoint


@pytest.mark.parametrize(
    ("start", "steps", "found"),
    [
        # Losses are 0, 1, 2 …; a pause after every third step.
        (0, 6, [(3, 1.0), (6, 4.0)]),
        (0, 4, [(3, 1.0), (4, 3.0)]),
        (4, 7, [(6, 4.5), (7, 6.0)]),
        (7, 7, []),
    ],
)
def test_a_pause_tells_the_mean_loss_of_the_steps_since_the_last_one(
    start: int, steps: int, found: list[tuple[int, float]]
):
    done: list[int] = []

    def train(step: int) -> float:
        done.append(step)
        return float(step)

    assert list(checked_steps(train, start=start, steps=steps, every=3)) == found
    assert done == list(range(start, steps))


def test_a_checkpoint_comes_back_and_what_was_half_written_is_never_read(tmp_path: Path):
    file, cpu = tmp_path / "run.pt", torch.device("cpu")
    assert read_checkpoint(file, cpu) is None
    save_checkpoint(file, {"step": 3, "weights": {"a": torch.ones(2)}})
    file.with_suffix(".partial").write_bytes(b"half")
    content = read_checkpoint(file, cpu)
    assert content is not None
    assert content["step"] == 3
    assert content["weights"]["a"].tolist() == [1, 1]
