"""SYSTEMS part C, rows 11 and 26: curves of a training in Prometheus."""

import urllib.request

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from lineside.metrics.training import TrainingMetrics
from models.train.prompt_stage import PromptProgress
from models.train.segmentation import SegmentationProgress
from wire.telemetry import TelemetryServer


def test_a_scrape_shows_where_each_variant_is_and_what_it_measured_last() -> None:
    registry = CollectorRegistry()
    metrics = TrainingMetrics(registry)
    server = TelemetryServer(registry)
    try:
        metrics.tell("full", PromptProgress(step=50, steps=200, loss=0.9, auroc=0.5, apart=0.4))
        metrics.tell("full", PromptProgress(step=100, steps=200, loss=0.7, auroc=0.625, apart=0.45))
        metrics.tell("no TDDF", PromptProgress(step=50, steps=200, loss=0.8, auroc=0.5, apart=0.4))
        metrics.tell("full", SegmentationProgress(step=10, steps=20, loss=1.5, iou=0.25, coarse_iou=0.5))
        with urllib.request.urlopen(f"http://{server.host}:{server.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    finally:
        server.close()
    found = {
        (
            sample.name,
            *(sample.labels[name] for name in ("stage", "variant", "figure") if name in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found == {
        ("training_step", "prompts", "full"): 100,
        ("training_steps", "prompts", "full"): 200,
        ("training_figure", "prompts", "full", "loss"): 0.7,
        ("training_figure", "prompts", "full", "auroc"): 0.625,
        ("training_figure", "prompts", "full", "apart"): 0.45,
        ("training_step", "prompts", "no TDDF"): 50,
        ("training_steps", "prompts", "no TDDF"): 200,
        ("training_figure", "prompts", "no TDDF", "loss"): 0.8,
        ("training_figure", "prompts", "no TDDF", "auroc"): 0.5,
        ("training_figure", "prompts", "no TDDF", "apart"): 0.4,
        ("training_step", "segmentation", "full"): 10,
        ("training_steps", "segmentation", "full"): 20,
        ("training_figure", "segmentation", "full", "loss"): 1.5,
        ("training_figure", "segmentation", "full", "iou"): 0.25,
        ("training_figure", "segmentation", "full", "coarse_iou"): 0.5,
    }
