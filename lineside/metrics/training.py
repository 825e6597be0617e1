"""Where a training is, for Prometheus: its curves while they are drawn."""

from dataclasses import asdict

from prometheus_client import CollectorRegistry, Gauge

from models.train.prompt_stage import PromptProgress
from models.train.segmentation import SegmentationProgress

_COUNTS = ("step", "steps")


class TrainingMetrics:
    """``tell`` it what a training reports. ``figure``: loss and what is measured on held-out samples, by name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["stage", "variant"]
        self._step = Gauge("training_step", "Steps of the optimizer that are done", labels, registry=registry)
        self._steps = Gauge("training_steps", "Steps of the optimizer in all", labels, registry=registry)
        self._figure = Gauge(
            "training_figure", "Loss and held-out figures of a training", [*labels, "figure"], registry=registry
        )

    def tell(self, variant: str, progress: PromptProgress | SegmentationProgress) -> None:
        """Show where ``variant`` is."""
        stage = progress.stage
        self._step.labels(stage, variant).set(progress.step)
        self._steps.labels(stage, variant).set(progress.steps)
        for name, value in asdict(progress).items():
            if name not in _COUNTS:
                self._figure.labels(stage, variant, name).set(value)
