import pytest

from lineside.plant.faults import Fault, FaultDice, FaultPlan
from wire.errors import ConfigurationError


def test_rates_and_moments_are_read_together() -> None:
    plan = FaultPlan.parse("camera_drops=0.25, server_restart@30,corrupt_image=1,product_change@7.5")

    assert dict(plan.rates) == {Fault.CAMERA_DROPS: 0.25, Fault.CORRUPT_IMAGE: 1.0}
    assert plan.schedule == ((7.5, Fault.PRODUCT_CHANGE), (30.0, Fault.SERVER_RESTART))


def test_every_wrong_piece_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        FaultPlan.parse("camera_drops,earthquake=0.1,duplicate=1.5")

    problems = caught.value.problems
    assert len(problems) == 3
    assert "'camera_drops' is neither name=probability nor name@seconds; known are camera_drops, " in problems[0]
    assert "'earthquake' is not a fault" in problems[1]
    assert "'duplicate=1.5': a probability lies between 0 and 1" in problems[2]


def test_a_certain_fault_happens_to_every_part_and_an_impossible_one_to_none() -> None:
    dice = FaultDice(FaultPlan.parse("duplicate=1,empty_image=0"), seed=[1])

    assert [dice.roll() for _ in range(3)] == [frozenset({Fault.DUPLICATE})] * 3


def test_an_asked_fault_happens_as_often_as_asked() -> None:
    dice = FaultDice(FaultPlan(), seed=[1])
    dice.ask(Fault.CAMERA_DROPS, 2)

    assert [Fault.CAMERA_DROPS in dice.roll() for _ in range(4)] == [True, True, False, False]


def test_equal_seeds_give_equal_faults() -> None:
    plan = FaultPlan.parse("duplicate=0.5,camera_drops=0.3")
    first, second = FaultDice(plan, seed=[4, 2]), FaultDice(plan, seed=[4, 2])

    assert [first.roll() for _ in range(50)] == [second.roll() for _ in range(50)]
