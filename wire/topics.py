"""Names of topics, consumer groups and event types (DESIGN §2)."""

from typing import Final

FRAMES: Final = "lineside.frames"
RESULTS: Final = "lineside.results"
REPORTS: Final = "lineside.reports"
COMMANDS: Final = "lineside.commands"
ALL: Final = (FRAMES, RESULTS, REPORTS, COMMANDS)

GROUP_INSPECT: Final = "lineside-inspect"
GROUP_STORE: Final = "lineside-store"
GROUP_DESCRIBE: Final = "lineside-describe"
GROUP_BUILD: Final = "lineside-build"

# Which groups read a topic: a publisher that must not outrun its readers (embedded broker) watches these.
READERS: Final = {
    FRAMES: (GROUP_INSPECT,),
    RESULTS: (GROUP_STORE, GROUP_DESCRIBE),
    REPORTS: (GROUP_STORE,),
    COMMANDS: (GROUP_BUILD,),
}

# Event types: reverse DNS, major version last; fields are only added within a major version.
FRAME_IMAGE: Final = "org.lineside.frame.image.v1"
FRAME_POINTCLOUD: Final = "org.lineside.frame.pointcloud.v1"
FRAME_SENSOR: Final = "org.lineside.frame.sensor.v1"
PART_CONTEXT: Final = "org.lineside.part.context.v1"
HEARTBEAT: Final = "org.lineside.line.heartbeat.v1"
STATE_ACTIVATED: Final = "org.lineside.line.state_activated.v1"
INSPECTION_RESULT: Final = "org.lineside.inspection.result.v1"
INSPECTION_REPORT: Final = "org.lineside.inspection.report.v1"
EVENT_DISPOSITION: Final = "org.lineside.event.disposition.v1"
BROKER_LOSS: Final = "org.lineside.broker.loss.v1"
LINE_COMMAND: Final = "org.lineside.line.command.v1"


def dlq(topic: str) -> str:
    """The dead letter topic that belongs to ``topic``."""
    return f"{topic}.dlq"


def with_dead_letters() -> tuple[str, ...]:
    """Every topic the product uses, dead letter topics included."""
    return (*ALL, *(dlq(topic) for topic in ALL))
