"""A person's answer to a part: sending it, and saying what became of it."""

import asyncio
from uuid import UUID

from markupsafe import Markup

from dashboard.api.command_documents import CommandDocument
from dashboard.api.commands import find_command
from dashboard.command_requests import PartsRequest
from dashboard.errors import ApiProblem
from dashboard.gate import need
from dashboard.keys import Principal, Role
from dashboard.services import Services
from wire.command import CommandKind, LineCommand
from wire.errors import BrokerUnavailable
from wire.inspection import Inspection

_WORDS = {CommandKind.ACCEPT: "This part is fine", CommandKind.REJECT: "This part is defective"}


async def send_answer(
    services: Services, principal: Principal, kind: CommandKind, inspection: Inspection, reason: str
) -> LineCommand:
    """Accept or reject one part. BrokerUnavailable, NotAllowed: nothing was sent."""
    need(principal, Role.OPERATOR)
    request = PartsRequest(product=inspection.product, reason=reason, inspections=(inspection.inspection_id,))
    return await services.desk.send(kind, inspection.line, principal, request)


def refusal_text(error: BrokerUnavailable | ApiProblem) -> str:
    """Why an answer was not sent."""
    if isinstance(error, ApiProblem):
        return error.detail
    return "Kafka does not take the answer at the moment. Nothing was sent; try again."


async def answer_text(services: Services, command_id: UUID) -> Markup | None:
    """What became of an answer; None if nobody knows it. DatabaseUnavailable."""
    document = await asyncio.to_thread(find_command, services, command_id)
    return None if document is None else said(document)


def said(document: CommandDocument) -> Markup:
    """An answer in words: what, what became of it, who, when."""
    became = "sent, waiting for the builder"
    if document.status != "sent":
        became = f"{document.status} {document.message}".strip()
    return Markup('<b>{}</b>: {} · {} <ls-time iso="{}"></ls-time>').format(
        _WORDS[document.kind], became, document.by, document.requested_at.isoformat()
    )
