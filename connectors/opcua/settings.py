"""Settings of the OPC UA connector; checked without touching the network."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from connectors.settings import ConnectorSettings, Strict, check_source_name


def _browse_path(path: str) -> str:
    if not all(path.split("/")):
        raise ValueError(f"{path!r} is no browse path; write the names below Objects, e.g. line3/PartCounter")
    return path


BrowsePath = Annotated[str, AfterValidator(_browse_path)]


class ContextNodes(Strict):
    """The tags that describe a part. The PLC writes the others first, then increments ``part_counter``."""

    part_counter: BrowsePath = Field(description="integer, counts parts from 1 in each trigger session")
    part_id: BrowsePath
    trigger_session: BrowsePath = Field(description="names one life of the part counter")
    product: BrowsePath | None = None
    job: BrowsePath | None = None
    recipe: BrowsePath | None = None
    packml_state: BrowsePath | None = None

    def paths(self) -> dict[str, str]:
        """Tag name → browse path of those that are configured."""
        return {name: path for name, path in self if path is not None}


class SensorNode(Strict):
    """One sensor tag, as a channel of the window around each part."""

    name: str = Field(min_length=1, description="name of the channel")
    node: BrowsePath
    unit: str = ""


class WindowSettings(Strict):
    """Which values around a trigger belong to its part."""

    before_s: float = Field(default=1.0, ge=0, le=60)
    after_s: float = Field(default=0.5, ge=0, le=60)
    # A tag that does not change sends nothing, so the end of a window has to be told by the clock as well. Larger: the
    # part waits for its sensors; smaller: late values are cut off.
    grace_s: float = Field(default=0.5, ge=0.1, le=60, description="host time after which a window is closed anyway")


class SubscriptionSettings(Strict):
    """What is asked of the server; it may revise each of these."""

    publishing_ms: float = Field(default=100.0, ge=10, le=10_000)
    sampling_ms: float = Field(default=50.0, ge=0, le=10_000)
    # At 0 or 1 a server that follows the standard keeps the last value only; 1 000 hold a link cut of some seconds.
    queue_size: int = Field(default=1000, ge=100)


class PlcSettings(Strict):
    """One PLC: where it is, which of its tags are read, and how."""

    endpoint: str = Field(description="opc.tcp://host:port/path")
    namespace: str = Field(min_length=1, description="URI of the namespace that all nodes below belong to")
    source: str | None = Field(default=None, description="<line>/<device>; default <line>/plc")
    context: ContextNodes
    sensors: tuple[SensorNode, ...] = ()
    window: WindowSettings = WindowSettings()
    subscription: SubscriptionSettings = SubscriptionSettings()

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise ValueError("is no OPC UA address; write opc.tcp://host:port")
        return endpoint

    @model_validator(mode="after")
    def _channels_differ(self) -> "PlcSettings":
        names = [sensor.name for sensor in self.sensors]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"sensors: {', '.join(twice)} appears twice; each channel has its own name")
        return self

    @property
    def settle_s(self) -> float:
        """How long after a trigger its context may still be on the way: one sampling and two publishing intervals."""
        return (self.subscription.sampling_ms + 2 * self.subscription.publishing_ms) / 1000


class OpcUaSettings(PlcSettings, ConnectorSettings):  # type: ignore[misc]  # two kinds of pydantic configuration, one content
    """A file for ``python -m connectors opcua``. Sources are ``<line>/plc`` and ``<line>/plc/sensors``."""

    @model_validator(mode="after")
    def _source_fits(self) -> "OpcUaSettings":
        check_plc_source(self.source, self.line)
        return self

    @property
    def source_name(self) -> str:
        """The source of the part contexts; the sensor windows' is ``<this>/sensors``."""
        return self.source or f"{self.line}/plc"


def check_plc_source(source: str | None, line: str) -> None:
    """ValueError if a name is given and does not belong to ``line``."""
    if source is not None:
        check_source_name(source, line)
