"""The registry that every process of this room begins with."""

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector


def new_registry() -> CollectorRegistry:
    """A registry with the figures of the process itself."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
