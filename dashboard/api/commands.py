"""Routes that command a line: accept, reject, roll back, rebuild, false-alarm rate, threshold."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from dashboard.api.access import ROOT, guard
from dashboard.api.command_documents import (
    CommandDocument,
    CommandList,
    Key,
    PartsRequest,
    RateRequest,
    RebuildRequest,
    RollbackRequest,
    ThresholdRequest,
)
from dashboard.errors import InvalidValue, NotFound
from dashboard.keys import Principal, Role
from dashboard.problems import MEDIA_TYPE, NOT_FOUND, RESPONSES, ProblemDocument
from dashboard.services import Services
from wire.command import CommandKind, LineCommand

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {
        "model": ProblemDocument,
        "description": "The idempotency key was used for another command",
        "content": {MEDIA_TYPE: {}},
    }
}


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
    operator = Depends(guard(services.gate, Role.OPERATOR))
    engineer = Depends(guard(services.gate, Role.ENGINEER))

    def known_line(line: str) -> str:
        if services.lines.get(line) is None:
            raise NotFound(f"no line {line!r}", field="line", value=line)
        return line

    def known_parts(line: Annotated[str, Depends(known_line)], request: PartsRequest) -> PartsRequest:
        for inspection_id in request.inspections:
            stored = services.history.get(inspection_id)
            if stored is None or stored.inspection.line != line:
                raise InvalidValue(f"no inspection {inspection_id} on {line}", field="inspections", value=inspection_id)
        return request

    def known_version(line: Annotated[str, Depends(known_line)], request: RollbackRequest) -> RollbackRequest:
        if all(it.version != request.version for it in services.states.list(line, request.product)):
            raise InvalidValue(
                f"{line} has no version {request.version} of product {request.product!r}",
                field="version",
                value=request.version,
            )
        return request

    def answer(response: Response, command: LineCommand) -> CommandDocument:
        response.headers["Location"] = f"/api/v1/commands/{command.command_id}"
        return CommandDocument.of_sent(command)

    @router.post("/lines/{line}/accept", status_code=202, responses=_CONFLICT, summary="These parts are good")
    async def accept(
        line: Annotated[str, Depends(known_line)],
        request: Annotated[PartsRequest, Depends(known_parts)],
        principal: Annotated[Principal, operator],
        response: Response,
        key: Key = None,
    ) -> CommandDocument:
        """They become references: the next version of the line's state learns from them."""
        sent = await services.desk.send(
            CommandKind.ACCEPT,
            line,
            principal,
            product=request.product,
            reason=request.reason,
            key=key,
            inspections=tuple(request.inspections),
        )
        return answer(response, sent)

    @router.post("/lines/{line}/reject", status_code=202, responses=_CONFLICT, summary="These parts are defective")
    async def reject(
        line: Annotated[str, Depends(known_line)],
        request: Annotated[PartsRequest, Depends(known_parts)],
        principal: Annotated[Principal, operator],
        response: Response,
        key: Key = None,
    ) -> CommandDocument:
        """They stop being references, or are confirmed as defects (also where the detector missed one)."""
        sent = await services.desk.send(
            CommandKind.REJECT,
            line,
            principal,
            product=request.product,
            reason=request.reason,
            key=key,
            inspections=tuple(request.inspections),
        )
        return answer(response, sent)

    @router.post("/lines/{line}/rollback", status_code=202, responses=_CONFLICT, summary="Use an earlier version again")
    async def rollback(
        line: Annotated[str, Depends(known_line)],
        request: Annotated[RollbackRequest, Depends(known_version)],
        principal: Annotated[Principal, engineer],
        response: Response,
        key: Key = None,
    ) -> CommandDocument:
        """The switch travels in band and lies at an exact offset; nothing is deleted."""
        sent = await services.desk.send(
            CommandKind.ROLLBACK,
            line,
            principal,
            product=request.product,
            reason=request.reason,
            key=key,
            version=request.version,
        )
        return answer(response, sent)

    @router.post("/lines/{line}/rebuild", status_code=202, responses=_CONFLICT, summary="Build a new version")
    async def rebuild(
        line: Annotated[str, Depends(known_line)],
        request: RebuildRequest,
        principal: Annotated[Principal, engineer],
        response: Response,
        key: Key = None,
    ) -> CommandDocument:
        """From the current references; it is activated once it is built."""
        sent = await services.desk.send(
            CommandKind.BUILD, line, principal, product=request.product, reason=request.reason, key=key
        )
        return answer(response, sent)

    @router.post("/lines/{line}/set-rate", status_code=202, responses=_CONFLICT, summary="Set the false-alarm rate")
    async def set_rate(
        line: Annotated[str, Depends(known_line)],
        request: RateRequest,
        principal: Annotated[Principal, engineer],
        response: Response,
        key: Key = None,
    ) -> CommandDocument:
        """The threshold follows from the normals at this rate; no rebuild, and stored raw scores keep their meaning."""
        sent = await services.desk.send(
            CommandKind.SET_RATE,
            line,
            principal,
            product=request.product,
            reason=request.reason,
            key=key,
            false_alarm_rate=request.false_alarm_rate,
        )
        return answer(response, sent)

    @router.post("/lines/{line}/set-threshold", status_code=202, responses=_CONFLICT, summary="Set a threshold by hand")
    async def set_threshold(
        line: Annotated[str, Depends(known_line)],
        request: ThresholdRequest,
        principal: Annotated[Principal, engineer],
        response: Response,
        key: Key = None,
    ) -> CommandDocument:
        """For one modality, or `fused` for the fused score."""
        sent = await services.desk.send(
            CommandKind.SET_THRESHOLD,
            line,
            principal,
            product=request.product,
            reason=request.reason,
            key=key,
            modality=request.modality,
            threshold=request.threshold,
        )
        return answer(response, sent)

    @router.get("/lines/{line}/commands", dependencies=[viewer], summary="Commands of a line, newest first")
    def of_line(line: Annotated[str, Depends(known_line)]) -> CommandList:
        """Everything people asked of this line, and what became of it."""
        return CommandList(items=commands_of(services, line))

    @router.get("/commands/{command_id}", dependencies=[viewer], summary="What became of a command")
    def one(command_id: UUID) -> CommandDocument:
        """`sent` while the builder has not read it yet."""
        if (found := find_command(services, command_id)) is None:
            raise NotFound(f"no command {command_id}", field="command_id", value=command_id)
        return found

    return router
