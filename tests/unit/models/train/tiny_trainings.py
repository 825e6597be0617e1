"""Trainings of tiny networks on small pictures: seconds, and every stage of them is run."""

from models.train.decoding import DecodingSettings
from models.train.distillation import DistillationSettings
from models.train.embedded import TrainingSettings
from tests.unit.models.tiny_networks import DECODER, STUDENT

# Larger crops would only take longer.
_PLAN = ((64, 4), (96, 2))
DISTIL = DistillationSettings(
    student=STUDENT, steps=4, plan=_PLAN, measured_plan=_PLAN, check_every=2, warm_up=1, fit_steps=2, held_out_steps=2
)
DECODE = DecodingSettings(
    decoder=DECODER, steps=2, plan=((96, 2), (64, 4)), check_every=1, warm_up=1, held_out_episodes=2, workers=0
)
BOTH = TrainingSettings(distillation=DISTIL, decoding=DECODE, drawn_per_family=1, drawn_side_px=96)
