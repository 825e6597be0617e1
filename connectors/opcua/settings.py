"""Settings of the OPC UA connector; checked without touching the network."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from connectors.opcua.node_address import NodeAddress
from connectors.opcua.security_settings import IdentitySettings, SecuritySettings
from connectors.opcua.server_profile import LIMITS, ServerLimits, ServerProfile
from connectors.settings import ConnectorSettings, Strict, check_source_name


def _node(address: str) -> str:
    NodeAddress.parse(address)
    return address


NodeText = Annotated[str, AfterValidator(_node)]


class ContextNodes(Strict):
    """The tags that describe a part. The PLC writes the others first, then increments ``part_counter``."""

    part_counter: NodeText = Field(description="integer, counts parts from 1 in each trigger session")
    part_id: NodeText
    trigger_session: NodeText = Field(description="names one life of the part counter")
    product: NodeText | None = None
    job: NodeText | None = None
    recipe: NodeText | None = None
    serial_number: NodeText | None = None
    packml_state: NodeText | None = None

    def paths(self) -> dict[str, str]:
        """Tag name → address of those that are configured."""
        return {name: path for name, path in self if path is not None}


class SensorNode(Strict):
    """One sensor tag, as a channel of the window around each part."""

    name: str = Field(min_length=1, description="name of the channel")
    node: NodeText
    unit: str = ""
    publishing_ms: float | None = Field(default=None, ge=10, le=10_000, description="default: subscription's")
    sampling_ms: float | None = Field(default=None, ge=0, le=10_000, description="default: subscription's")
    queue_size: int | None = Field(default=None, ge=1, description="default: subscription's")
    deadband: float | None = Field(default=None, gt=0, description="smaller changes are not sent, in the tag's unit")
    deadband_percent: float | None = Field(
        default=None, gt=0, le=100, description="the same, of the range that the server knows (EURange)"
    )

    @model_validator(mode="after")
    def _one_deadband(self) -> "SensorNode":
        if self.deadband is not None and self.deadband_percent is not None:
            raise ValueError(f"{self.name}: give deadband or deadband_percent, not both")
        return self


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
    namespace: str = Field(min_length=1, description="URI of the namespace of nodes that name no other")
    namespaces: dict[str, str] = Field(default_factory=dict, description="alias: URI, for paths through several")
    profile: ServerProfile = Field(default=ServerProfile.GENERIC, description="whose server it is: its limits")
    limits: ServerLimits | None = Field(default=None, description="other limits than the profile's")
    security: SecuritySettings = SecuritySettings()
    identity: IdentitySettings = IdentitySettings()
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

    @model_validator(mode="after")
    def _within_limits(self) -> "PlcSettings":
        limits, name = self.limits or LIMITS[self.profile], self.profile.value
        rates = [self.subscription.publishing_ms, *(s.publishing_ms for s in self.sensors if s.publishing_ms)]
        samplings = [self.subscription.sampling_ms, *(s.sampling_ms for s in self.sensors if s.sampling_ms)]
        queues = [self.subscription.queue_size, *(s.queue_size for s in self.sensors if s.queue_size)]
        tags = len(self.context.paths()) + len(self.sensors)
        beyond = {
            f"publishing_ms {min(rates):g} < {limits.publishing_ms:g}": min(rates) < limits.publishing_ms,
            f"sampling_ms {min(samplings):g} < {limits.sampling_ms:g}": min(samplings) < limits.sampling_ms,
            f"queue_size {max(queues)} > {limits.queue_size}": max(queues) > limits.queue_size,
            f"{tags} tags > {limits.monitored_items}": tags > limits.monitored_items,
            f"{len(set(rates))} publishing rates > {limits.subscriptions}": len(set(rates)) > limits.subscriptions,
        }
        wrong = [text for text, is_wrong in beyond.items() if is_wrong]
        if wrong:
            raise ValueError(f"beyond the limits of {name}: {', '.join(wrong)}; change them, or set limits")
        return self

    @property
    def slowest_settle_s(self) -> float:
        """The same for values of any tag, by the slowest of the subscriptions."""
        rates = [self.subscription.publishing_ms, *(one.publishing_ms for one in self.sensors if one.publishing_ms)]
        return (self.subscription.sampling_ms + 2 * max(rates)) / 1000

    @property
    def settle_s(self) -> float:
        """How long after a trigger its context may still be on the way: one sampling and two publishing intervals."""
        return (self.subscription.sampling_ms + 2 * self.subscription.publishing_ms) / 1000


class OpcUaSettings(PlcSettings, ConnectorSettings):
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
