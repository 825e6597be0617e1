import numpy as np

from models.memory.normal_states import states_of

BLOCKS = np.repeat(np.arange(8), 3)
LEAST = np.array([0.05, 0.05])


def clouds(centres: list[float]) -> np.ndarray:
    """(24, 2): the second number tells nothing."""
    noise = np.random.default_rng(0).standard_normal((24, 2))
    return np.stack([np.array(centres), np.zeros(24)], axis=1) + 0.1 * noise


def test_windows_of_one_cloud_are_one_state():
    assert states_of(clouds([0.0] * 24), LEAST, BLOCKS).tolist() == [0] * 24


def test_a_gap_that_the_machine_crosses_there_and_back_parts_two_states():
    states = states_of(clouds([0.0, 3.0] * 12), LEAST, BLOCKS)
    assert states.tolist() == [0, 1] * 12


def test_three_states_are_parted_one_after_the_other_and_numbered_as_they_came():
    assert states_of(clouds([3.0, 0.0, 9.0] * 8), LEAST, BLOCKS).tolist() == [0, 1, 2] * 8


def test_what_changed_once_is_no_state():
    assert states_of(clouds([0.0] * 12 + [3.0] * 12), LEAST, BLOCKS).tolist() == [0] * 24


def test_what_came_in_one_block_of_time_alone_is_no_state():
    centres = [0.0] * 8 + [3.0] * 6 + [0.0] * 10
    assert states_of(clouds(centres), LEAST, np.repeat([0, 1, 2], [8, 6, 10])).tolist() == [0] * 24
    assert states_of(clouds(centres), LEAST, np.repeat([0, 1, 2], [8, 3, 13])).tolist() == [0] * 8 + [1] * 6 + [0] * 10


def test_five_windows_are_too_few_for_a_state():
    centres = [3.0 if k in (1, 6, 11, 16, 21) else 0.0 for k in range(24)]
    assert states_of(clouds(centres), LEAST, BLOCKS).tolist() == [0] * 24


def test_a_gap_within_what_is_believed_of_spreads_parts_nothing():
    fine = 0.01 * clouds([0.0, 3.0] * 12)  # the gap is 0.03, the least spread 0.05
    assert states_of(fine, LEAST, BLOCKS).tolist() == [0] * 24


def test_a_window_that_lacks_the_number_goes_with_most():
    values = clouds([0.0, 3.0, 0.0] * 8)
    values[1, 0] = np.nan
    assert states_of(values, LEAST, BLOCKS).tolist() == [0, 0, 0] + [0, 1, 0] * 7


def test_states_are_bounded_and_no_window_is_no_state():
    many = np.repeat(np.tile(10.0 ** np.arange(10), 12)[:, None], 2, axis=1)
    assert len(set(states_of(many, LEAST, np.repeat(np.arange(12), 10)).tolist())) == 8
    assert states_of(np.zeros((0, 2)), LEAST, np.zeros(0, np.intp)).tolist() == []
