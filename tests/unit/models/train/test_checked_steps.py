from pathlib import Path

import pytest
import torch

from models.train.checked_steps import checked_steps
from models.train.checkpoint import read_checkpoint, run_of, save_checkpoint
from models.train.frozen import proven_frozen
from wire.errors import ConfigurationError


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


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path: Path):
    file, cpu = tmp_path / "run.pt", torch.device("cpu")
    told = run_of({"steps": 100, "held_out": 64}, pictures="drawn")
    save_checkpoint(file, {"step": 3}, made_with=told)
    assert read_checkpoint(file, cpu, made_with=run_of({"steps": 100, "held_out": 8}, pictures="drawn")) == {"step": 3}
    with pytest.raises(ConfigurationError) as raised:
        read_checkpoint(file, cpu, made_with=run_of({"steps": 200, "batch": 4}, pictures="drawn"))
    assert raised.value.problems == (
        f"{file}: a run with steps 100, this one has 200; another --out begins anew",
        f"{file}: a run with batch unknown, this one has 4; another --out begins anew",
    )


def test_a_network_that_a_training_moved_is_noticed():
    network = torch.nn.Linear(2, 2)
    with proven_frozen(network, "the layer"):
        network(torch.ones(1, 2))
    with pytest.raises(RuntimeError, match="the layer changed in training"), proven_frozen(network, "the layer"):
        torch.nn.init.zeros_(network.weight)


def test_a_checkpoint_comes_back_and_what_was_half_written_is_never_read(tmp_path: Path):
    file, cpu = tmp_path / "run.pt", torch.device("cpu")
    assert read_checkpoint(file, cpu) is None
    save_checkpoint(file, {"step": 3, "weights": {"a": torch.ones(2)}})
    file.with_suffix(".partial").write_bytes(b"half")
    content = read_checkpoint(file, cpu)
    assert content is not None
    assert content["step"] == 3
    assert content["weights"]["a"].tolist() == [1, 1]
