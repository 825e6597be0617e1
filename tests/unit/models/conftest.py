"""One inspector and one learned line for all tests of this folder: both are immutable."""

import pytest
import torch

from models.recipes import load_inspector
from models.synth.line import LineSetting
from tests.unit.models.drawn_parts import LINE, good_part, small_line
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState


@pytest.fixture(scope="session")
def inspector() -> Inspector:
    torch.set_num_threads(1)
    return load_inspector("embedded", device="cpu", threads=1)


@pytest.fixture(scope="session")
def drawn_line() -> LineSetting:
    return small_line(0, "brushed")


@pytest.fixture(scope="session")
def spec() -> LineSpec:
    return LineSpec(line=LINE, expected_modalities=("rgb", "depth", "sensor"), max_vectors=512)


@pytest.fixture(scope="session")
def state(inspector: Inspector, drawn_line: LineSetting, spec: LineSpec) -> LineState:
    return inspector.build_state([good_part(drawn_line, i) for i in range(16)], spec)
