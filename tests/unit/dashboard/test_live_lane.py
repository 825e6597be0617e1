"""What a lane of the live page says of its line's states."""

import pytest

from dashboard.line_board import LineBoard, ProductState
from dashboard.live_feed import LiveView
from dashboard.pages.live_lane import lane_of
from wire.line_state import LineSpec

LEARNED = ProductState(product="A", version=3, learned=0)
NAMELESS = ProductState(product="", version=None, learned=1)


@pytest.mark.parametrize(
    ("products", "label", "value"),
    [
        ((LEARNED,), "State A", "v3"),
        ((ProductState(product="B", version=None, learned=7), LEARNED), "Learning B", "7"),
        # Parts whose context was lost when a connector was killed wait for no product.
        ((NAMELESS, LEARNED), "State A", "v3"),
        # A line without PLC has no other product.
        ((NAMELESS,), "Learning", "1"),
        ((), "Learning", "0"),
    ],
)
def test_a_lane_tells_what_its_line_has_learned(products: tuple[ProductState, ...], label: str, value: str) -> None:
    board = LineBoard(
        spec=LineSpec(line="plant1.hall2.line3"),
        products=products,
        parts_last_minute=0,
        parts=0,
        defects=0,
        unknown=0,
        latency_p95_s=None,
        ledger=None,
    )
    state = lane_of(board, LiveView())["kpis"][0]
    assert (state["label"], state["value"]) == (label, value)
