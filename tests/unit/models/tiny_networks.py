"""Networks of the shipped shape, small enough for unit tests, with random weights from a seed."""

import hashlib
from pathlib import Path

import torch
import yaml

from models.backbones.student import Student, StudentSettings
from models.ground.context import ContextSettings
from models.ground.decoder import Decoder, DecoderSettings
from models.recipes.network_weights import new_decoder, pack_networks

STUDENT = StudentSettings(widths=(4, 6, 8, 12, 16), depths=(1, 1, 1, 1), fine_dims=5, coarse_dims=7)
DECODER = DecoderSettings(
    projected=6, widths=(8, 8), last=4, context=ContextSettings(width=8, blocks=1, heads=2, grid=3)
)
# Of a recipe's section ``network``: memories that take little time to choose.
QUICK: dict[str, object] = {"mirrored_below": 0, "coreset": {"candidates": 1024, "projected_dims": 4, "seed": 0}}


def tiny_networks(seed: int = 0) -> tuple[Student, Decoder]:
    torch.manual_seed(seed)
    student = Student(STUDENT)
    return student.eval(), new_decoder(DECODER, STUDENT).eval()


def written_recipe(folder: Path, **network: object) -> Path:
    """The embedded recipe with tiny networks; keyword arguments replace settings of its section ``network``."""
    packed = pack_networks(*tiny_networks(), DECODER, {"teacher": "none"})
    (folder / "tiny.safetensors").write_bytes(packed)
    recipe = yaml.safe_load(Path("models/recipes/embedded.yaml").read_text(encoding="utf-8"))
    recipe["network"] |= {"weights": "tiny.safetensors", "sha256": hashlib.sha256(packed).hexdigest(), **network}
    for section in ("kinds", "kinds_on_depth"):
        recipe.pop(section, None)
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return file
