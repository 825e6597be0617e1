"""SYSTEMS part C, row 11, and A.6 Q1 to Q3: the hinge with the label's sign, and texts that stay apart."""

import pytest
import torch
from torch.nn import functional as F

from models.ground.text_delta import text_delta
from models.train.tddf_loss import pixel_loss, separation, signed_hinge

DELTA = torch.tensor([0.3, -0.2, 0.1, -0.4])
DEFECT = torch.tensor([True, True, False, False])


def unit(*shape: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=-1)


def test_the_hinge_by_hand():
    # Defects: max(0, -.3), max(0, .2), normals: max(0, .1), max(0, -.4); each class counts alike.
    assert float(signed_hinge(DELTA, DEFECT)) == pytest.approx((0.1 + 0.05) / 2)
    # With margin .1: 0 and .3; .2 and 0.
    assert float(signed_hinge(DELTA, DEFECT, margin=0.1)) == pytest.approx((0.15 + 0.1) / 2)


def test_with_normal_patches_alone_it_is_the_papers_equation():
    none = torch.zeros(4, dtype=torch.bool)
    assert torch.equal(signed_hinge(DELTA, none), F.relu(DELTA).mean())
    assert torch.equal(signed_hinge(DELTA, none), signed_hinge(DELTA, none, signed=False))


def test_the_hinge_is_exactly_zero_once_the_order_is_right():
    ordered = torch.tensor([0.01, 0.5, -0.01, -1.0], requires_grad=True)
    loss = signed_hinge(ordered, DEFECT)
    assert loss.item() == 0.0
    loss.backward()  # type: ignore[no-untyped-call]
    assert ordered.grad is not None
    assert not ordered.grad.any()
    assert signed_hinge(ordered, DEFECT, margin=0.1).item() > 0


def test_the_loss_does_not_feel_the_length_of_a_token():
    tokens, normal, abnormal = unit(4, 6, seed=0), unit(6, seed=1), unit(6, seed=2)
    losses = [signed_hinge(text_delta(scale * tokens, normal, abnormal), DEFECT) for scale in (1, 10)]
    torch.testing.assert_close(losses[0], losses[1])


def test_losses_have_the_gradients_that_differences_confirm():
    tokens = unit(4, 6, seed=0).requires_grad_()
    normal, abnormal = unit(6, seed=1).requires_grad_(), unit(6, seed=2).requires_grad_()

    def loss(z: torch.Tensor, e_n: torch.Tensor, e_a: torch.Tensor) -> torch.Tensor:
        delta = text_delta(z, e_n, e_a)
        return (
            signed_hinge(delta, DEFECT, margin=0.3)
            + separation(e_n, e_a, margin=2.5)
            + pixel_loss(delta.sigmoid(), DEFECT)
        )

    assert torch.autograd.gradcheck(loss, (tokens, normal, abnormal))


def steps(*, signed: bool, literal: bool, count: int = 20) -> tuple[float, float, float, float]:
    """(delta of one defective patch, distance of the texts) before and after descents of the texts."""
    token = unit(1, 6, seed=8)
    texts = [unit(6, seed=1).requires_grad_(), unit(6, seed=2).requires_grad_()]
    optimizer = torch.optim.SGD(texts, lr=0.05)

    def state() -> tuple[float, float]:
        normal, abnormal = (F.normalize(each.detach(), dim=0) for each in texts)
        return float(text_delta(token, normal, abnormal)), float((normal - abnormal).norm())

    before = state()
    for _ in range(count):
        normal, abnormal = (F.normalize(each, dim=0) for each in texts)
        delta = text_delta(token, normal, abnormal)
        loss = signed_hinge(delta, torch.tensor([True]), margin=2, signed=signed)
        optimizer.zero_grad()
        (loss + separation(normal, abnormal, margin=2, literal=literal)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return (before[0], state()[0], before[1], state()[1])


def test_twenty_steps_on_a_defective_patch_raise_its_delta_and_part_the_texts():
    delta, after, apart, apart_after = steps(signed=True, literal=False)
    assert delta < 0 < after  # it was called normal, and is no longer
    assert apart_after >= apart


def test_the_equations_as_printed_do_the_opposite():
    delta, after, _, _ = steps(signed=False, literal=False)
    assert after < delta
    _, _, apart, apart_after = steps(signed=True, literal=True, count=1)
    assert apart_after < apart


def test_separation_by_hand_and_finite_where_both_texts_are_one():
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert float(separation(one, other, margin=2.0)) == pytest.approx((2 - 2**0.5) ** 2)
    assert float(separation(one, other, margin=1.0)) == 0.0
    assert float(separation(one, other, margin=2.0, literal=True)) == pytest.approx(2.0)
    same = one.clone().requires_grad_()
    separation(same, one, margin=1.0).backward()  # type: ignore[no-untyped-call]
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()
