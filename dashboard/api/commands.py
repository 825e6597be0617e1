"""Routes that command a line: accept, reject, name, roll back, rebuild, false-alarm rate, threshold."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response

from dashboard.api.access import ROOT, guard
from dashboard.api.command_documents import CommandDocument, CommandList
from dashboard.command_requests import (
    CommandRequest,
    DescribeRequest,
    NameRequest,
    PartsRequest,
    RateRequest,
    RebuildRequest,
    RollbackRequest,
    ThresholdRequest,
)
from dashboard.errors import InvalidValue, NotFound
from dashboard.keys import Principal, Role
from dashboard.problems import CONFLICT, NOT_FOUND, RESPONSES
from dashboard.services import Services
from wire.command import CommandKind

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Chosen by the caller: the same key on the same line is the same command, however often it is sent",
    ),
]
Send = Callable[[CommandKind, CommandRequest], Awaitable[CommandDocument]]


def commands_of(services: Services, line: str) -> list[CommandDocument]:
    """Every command of a line, newest first: what SQL knows, and before it what was only just sent."""
    known = [CommandDocument.of_stored(stored) for stored in services.commands.list(line)]
    ids = {document.command_id for document in known}
    fresh = [CommandDocument.of_sent(sent) for sent in services.desk.sent_to(line) if sent.command_id not in ids]
    return fresh + known


def find_command(services: Services, wanted: UUID) -> CommandDocument | None:
    """A command by its id: as the builder keeps it, else as it was sent from here; None if nobody knows it."""
    if (stored := services.commands.get(wanted)) is not None:
        return CommandDocument.of_stored(stored)
    sent = services.desk.sent(wanted)
    return None if sent is None else CommandDocument.of_sent(sent)


def commands_router(services: Services) -> APIRouter:
    """Routes below /lines/{line} that change something, and /commands."""
    router = APIRouter(prefix=ROOT, tags=["commands"], responses=RESPONSES | NOT_FOUND)
    viewer = Depends(guard(services.gate, Role.VIEWER))

    def known_line(line: str) -> str:
        if services.lines.get(line) is None:
            raise NotFound(f"no line {line!r}", field="line", value=line)
        return line

    Line = Annotated[str, Depends(known_line)]

    def sending(role: Role) -> Callable[..., Send]:
        """A dependency that sends to the line in the path, as the caller, who needs ``role``."""

        def ready(
            line: Line,
            principal: Annotated[Principal, Depends(guard(services.gate, role))],
            response: Response,
            key: Key = None,
        ) -> Send:
            async def send(kind: CommandKind, request: CommandRequest) -> CommandDocument:
                command = await services.desk.send(kind, line, principal, request, key=key)
                response.headers["Location"] = f"{ROOT}/commands/{command.command_id}"
                return CommandDocument.of_sent(command)

            return send

        return ready

    AsOperator = Annotated[Send, Depends(sending(Role.OPERATOR))]
    AsEngineer = Annotated[Send, Depends(sending(Role.ENGINEER))]

    def known_parts(line: Line, request: PartsRequest) -> PartsRequest:
        for inspection_id in request.inspections:
            stored = services.history.get(inspection_id)
            if stored is None or stored.inspection.line != line:
                raise InvalidValue(f"no inspection {inspection_id} on {line}", field="inspections", value=inspection_id)
        return request

    Parts = Annotated[PartsRequest, Depends(known_parts)]

    def known_regions(line: Line, request: NameRequest) -> NameRequest:
        for each in request.regions:
            stored = services.history.get(each.inspection)
            if stored is None or stored.inspection.line != line:
                raise InvalidValue(f"no inspection {each.inspection} on {line}", field="regions", value=each.inspection)
            if all(region.index != each.region for region in stored.inspection.regions):
                raise InvalidValue(
                    f"inspection {each.inspection} has no region {each.region}", field="regions", value=each.region
                )
        return request

    def known_version(line: Line, request: RollbackRequest) -> RollbackRequest:
        if all(it.version != request.version for it in services.states.list(line, request.product)):
            raise InvalidValue(
                f"{line} has no version {request.version} of product {request.product!r}",
                field="version",
                value=request.version,
            )
        return request

    @router.post("/lines/{line}/accept", status_code=202, responses=CONFLICT, summary="These parts are good")
    async def accept(send: AsOperator, request: Parts) -> CommandDocument:
        """They become references: the next version of the line's state learns from them."""
        return await send(CommandKind.ACCEPT, request)

    @router.post("/lines/{line}/reject", status_code=202, responses=CONFLICT, summary="These parts are defective")
    async def reject(send: AsOperator, request: Parts) -> CommandDocument:
        """They stop being references, or are confirmed as defects (also where the detector missed one)."""
        return await send(CommandKind.REJECT, request)

    @router.post("/lines/{line}/name", status_code=202, responses=CONFLICT, summary="These regions show one defect")
    async def name(send: AsOperator, request: Annotated[NameRequest, Depends(known_regions)]) -> CommandDocument:
        """They are examples of a class of your own: with four of them, later regions like them get its name."""
        return await send(CommandKind.NAME, request)

    @router.post("/lines/{line}/rollback", status_code=202, responses=CONFLICT, summary="Use an earlier version again")
    async def rollback(
        send: AsEngineer, request: Annotated[RollbackRequest, Depends(known_version)]
    ) -> CommandDocument:
        """The switch travels in band and lies at an exact offset; nothing is deleted."""
        return await send(CommandKind.ROLLBACK, request)

    @router.post("/lines/{line}/rebuild", status_code=202, responses=CONFLICT, summary="Build a new version")
    async def rebuild(send: AsEngineer, request: RebuildRequest) -> CommandDocument:
        """From the current references; it is activated once it is built."""
        return await send(CommandKind.BUILD, request)

    @router.post("/lines/{line}/describe", status_code=202, responses=CONFLICT, summary="Say what the parts are")
    async def describe(send: AsEngineer, request: DescribeRequest) -> CommandDocument:
        """In words, for detectors that read; every product of the line gets a version that knows them."""
        return await send(CommandKind.DESCRIBE, request)

    @router.post("/lines/{line}/set-rate", status_code=202, responses=CONFLICT, summary="Set the false-alarm rate")
    async def set_rate(send: AsEngineer, request: RateRequest) -> CommandDocument:
        """The threshold follows from the normals at this rate; no rebuild, and stored raw scores keep their meaning."""
        return await send(CommandKind.SET_RATE, request)

    @router.post("/lines/{line}/set-threshold", status_code=202, responses=CONFLICT, summary="Set a threshold by hand")
    async def set_threshold(send: AsEngineer, request: ThresholdRequest) -> CommandDocument:
        """For one modality, or `fused` for the fused score."""
        return await send(CommandKind.SET_THRESHOLD, request)

    @router.get("/lines/{line}/commands", dependencies=[viewer], summary="Commands of a line, newest first")
    def of_line(line: Line) -> CommandList:
        """Everything people asked of this line, and what became of it."""
        return CommandList(items=commands_of(services, line))

    @router.get("/commands/{command_id}", dependencies=[viewer], summary="What became of a command")
    def one(command_id: UUID) -> CommandDocument:
        """`sent` while the builder has not read it yet."""
        if (found := find_command(services, command_id)) is None:
            raise NotFound(f"no command {command_id}", field="command_id", value=command_id)
        return found

    return router
