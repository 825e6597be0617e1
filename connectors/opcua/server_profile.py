"""What is known of a vendor's server: its limits, so that a configuration that it cannot serve is refused at once.

The figures are those of a server as it is delivered. Where the engineer set others, the limits are overridden in the
configuration (``limits``).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import Field

from connectors.settings import Strict


class ServerProfile(StrEnum):
    """Servers with a sample configuration in this folder."""

    GENERIC = "generic"
    SIEMENS_S7_1500 = "siemens_s7_1500"
    BECKHOFF_TF6100 = "beckhoff_tf6100"
    KEPWARE = "kepware"
    IGNITION = "ignition"


class ServerLimits(Strict):
    """What a server can serve to one client. The defaults limit nothing."""

    publishing_ms: float = Field(default=10.0, ge=10, description="shortest publishing interval")
    sampling_ms: float = Field(default=0.0, ge=0, description="shortest sampling interval")
    monitored_items: int = Field(default=1_000_000, ge=1, description="tags in all subscriptions")
    subscriptions: int = Field(default=1000, ge=1, description="different publishing rates")
    queue_size: int = Field(default=1_000_000, ge=1, description="values that the server keeps per tag")


LIMITS: Final[Mapping[ServerProfile, ServerLimits]] = {
    ServerProfile.GENERIC: ServerLimits(),
    # STEP 7's defaults: shortest sampling interval 100 ms, publishing interval 200 ms, 1 000 monitored elements on the
    # smaller CPUs. It has no TransferSubscriptions: after a lost session the subscription is made anew (a gap).
    ServerProfile.SIEMENS_S7_1500: ServerLimits(
        publishing_ms=200, sampling_ms=100, monitored_items=1000, subscriptions=20
    ),
    # TF6100 reads its symbols over ADS in the task's cycle; sampling below 50 ms is loaded onto the PLC's runtime.
    ServerProfile.BECKHOFF_TF6100: ServerLimits(publishing_ms=50, sampling_ms=50),
    # A tag is never newer than its driver's scan rate, 100 ms as delivered: faster sampling repeats values.
    ServerProfile.KEPWARE: ServerLimits(publishing_ms=100, sampling_ms=100),
    # A tag group's rate is 1 000 ms as delivered and 100 ms in practice; the gateway throttles queues below.
    ServerProfile.IGNITION: ServerLimits(publishing_ms=100, sampling_ms=100),
}
