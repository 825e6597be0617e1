"""An OPC UA server with a VisionSystem (OPC 40100-1) per line, which raises ResultReady for each result."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from asyncua import Node, Server, ua
from asyncua.common.utils import ServiceError
from asyncua.server.event_generator import EventGenerator
from cryptography import x509

from connectors.opcua.application_certificate import own_certificate
from connectors.opcua.trust_store import TrustStore, Untrusted
from connectors.results.settings import VisionSystemSettings
from wire.errors import ConfigurationError
from wire.inspection import Inspection, ResultState

URI: Final = "urn:lineside:vision"
MACHINE_VISION: Final = "http://opcfoundation.org/UA/MachineVision"
# Of the official node set, 1.0.
_VISION_SYSTEM_TYPE: Final = 1003
_RESULT_READY_TYPE: Final = 1024
_STATES: Final = {
    ResultState.UNDEFINED: 0,
    ResultState.COMPLETED: 1,
    ResultState.PROCESSING: 2,
    ResultState.ABORTED: 3,
    ResultState.FAILED: 4,
}
_STOP_S: Final = 1.0
# Severity of an event (Part 5, 6.4.2): 1 to 1000; a defect is worth attention, not an alarm.
_SEVERITY: Final = {"ok": 100, "unknown": 300, "defect": 500}


# Of the fields for which asyncua finds none in the node set, whose data types derive from others.
_TYPES: Final = {
    "CreationTime": ua.VariantType.DateTime,
    "IsPartial": ua.VariantType.Boolean,
    "IsSimulated": ua.VariantType.Boolean,
    "ResultState": ua.VariantType.Int32,
    "ResultContent": ua.VariantType.Variant,
    "ExternalRecipeId": ua.VariantType.ExtensionObject,
    "InternalRecipeId": ua.VariantType.ExtensionObject,
    "ExternalConfigurationId": ua.VariantType.ExtensionObject,
    "InternalConfigurationId": ua.VariantType.ExtensionObject,
}


class VisionSystem:
    """Serves from ``start`` to ``stop``, in the event loop that called it.

    Methods and state machine of the types are there and do nothing: the line's PLC triggers, not an OPC UA client.
    """

    def __init__(self, settings: VisionSystemSettings, lines: Sequence[str]) -> None:
        self._settings = settings
        self._lines = tuple(lines)
        self._server: Server | None = None
        self._events: dict[str, Sequence[EventGenerator]] = {}

    async def start(self) -> None:
        """Listen. ConfigurationError if the node set cannot be read, or the port is taken."""
        server = Server()
        await server.init()
        server.set_endpoint(self._settings.endpoint)
        server.set_server_name("Lineside vision system")
        await server.set_application_uri(self._settings.security.application_uri or URI)
        await self._secure(server)
        index = await self._import(server)
        own = await server.register_namespace(URI)
        for line in self._lines:
            name = ua.QualifiedName(f"VisionSystem {line}", own)
            node_id = ua.NodeId(ua.String(line), ua.Int16(own))
            kind = ua.NodeId(ua.Int32(_VISION_SYSTEM_TYPE), ua.Int16(index))
            system = await server.nodes.objects.add_object(node_id, name, objecttype=kind)
            self._events[line] = await self._generators(server, index, system)
        try:
            await server.start()
        except OSError as error:
            raise ConfigurationError([f"vision_system: cannot listen on {self._settings.endpoint}: {error}"]) from error
        self._server = server

    async def ready(self, inspection: Inspection, *, late: bool) -> None:
        """Raise ResultReady for one result."""
        fields = _fields(inspection, late=late)
        for generator in self._events[inspection.line]:
            for name, value in fields.items():
                setattr(generator.event, name, value)
            generator.event.Severity = ua.UInt16(_SEVERITY[inspection.verdict.value])
            await generator.trigger(message=f"{inspection.part_id or 'part'}: {inspection.verdict.value}")

    @staticmethod
    async def _generators(server: Server, index: int, system: Node) -> Sequence[EventGenerator]:
        """One for those who listen at the system, one for those who listen at the server: asyncua passes nothing up."""
        kind: Any = server.get_node(ua.NodeId(ua.Int32(_RESULT_READY_TYPE), ua.Int16(index)))
        at_system = await server.get_event_generator(kind, system)  # type: ignore[arg-type]  # takes nodes as well
        at_server = await server.get_event_generator(kind, server.nodes.server)  # type: ignore[arg-type]
        for generator in (at_system, at_server):
            generator.event.data_types |= _TYPES
        at_server.event.SourceNode = system.nodeid
        at_server.event.SourceName = (await system.read_browse_name()).Name
        return at_system, at_server

    async def stop(self) -> None:
        """Close every connection."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
                await asyncio.wait_for(server.stop(), _STOP_S)

    async def _import(self, server: Server) -> int:
        path = self._settings.nodeset
        try:
            await server.import_xml(str(path))
            await server.load_data_type_definitions()
            return await server.get_namespace_index(MACHINE_VISION)
        except OSError as error:
            raise ConfigurationError([f"vision_system.nodeset: {path}: {error.strerror}; see README"]) from error
        except (ValueError, SyntaxError, ua.UaError) as error:
            raise ConfigurationError([
                f"vision_system.nodeset: {path} is not Opc.Ua.MachineVision.NodeSet2.xml: {error}"
            ]) from error  # fmt: skip

    async def _secure(self, server: Server) -> None:
        security = self._settings.security
        if not security.is_secure or security.pki is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            return
        uri = security.application_uri or URI
        own = own_certificate(
            security.pki, application_uri=uri, name="Lineside vision system", days=security.certificate_days
        )
        server.set_security_policy([ua.SecurityPolicyType[f"{security.policy.value}_{security.mode.value}"]])
        await server.load_certificate(str(own.path))
        await server.load_private_key(str(own.key_path))
        store = TrustStore(security.pki)

        async def validate(certificate: x509.Certificate, client: ua.ApplicationDescription) -> None:
            if security.accepts_any:
                return
            try:
                store.check(certificate, application_uri=client.ApplicationUri)
            except Untrusted as error:
                raise ServiceError(ua.StatusCodes.BadCertificateUntrusted) from error

        server.set_certificate_validator(validate)


def _fields(inspection: Inspection, *, late: bool) -> Mapping[str, Any]:
    """The properties of ResultReadyEventType. Structures are classes that asyncua made from the node set."""
    types: Any = ua
    provenance = inspection.provenance
    return {
        "ResultId": types.ResultIdDataType(Id=str(inspection.inspection_id)),
        "PartId": types.PartIdDataType(Id=inspection.part_id),
        "JobId": types.JobIdDataType(Id=inspection.job),
        "MeasId": types.MeasIdDataType(Id=inspection.trigger_session),
        "ProductId": types.ProductIdDataType(Id=inspection.product),
        "ExternalRecipeId": types.RecipeIdExternalDataType(Id=inspection.recipe),
        "InternalRecipeId": types.RecipeIdInternalDataType(Id=provenance.recipe),
        "InternalConfigurationId": types.ConfigurationIdDataType(
            Id=str(provenance.state_version or 0), Hash=(provenance.state_digest or "").encode()
        ),
        "ExternalConfigurationId": types.ConfigurationIdDataType(Id=""),
        "CreationTime": inspection.created_at,
        "ProcessingTimes": types.ProcessingTimesDataType(
            StartTime=inspection.processing.start_time, EndTime=inspection.processing.end_time
        ),
        "IsPartial": inspection.is_partial,
        "IsSimulated": inspection.is_simulated,
        "ResultState": ua.Int32(_STATES[inspection.result_state]),
        # The standard leaves the content to the maker: verdict, whether it is late, and the whole result as JSON.
        "ResultContent": [
            ua.Variant(inspection.verdict.value),
            ua.Variant(late),
            ua.Variant(inspection.to_json().decode()),
        ],
    }
