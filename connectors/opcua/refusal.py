"""Why a server refused, in one line that says what to do; and how long to leave it alone."""

import asyncio
import socket
from typing import Final

from asyncua import ua

from connectors.errors import SourceUnavailable

# A server may keep the session of a client that was killed for minutes; asking twice a second takes the very slot that
# an operator needs to look why.
_SESSIONS_RETRY_S: Final = 15.0
# A person has to do something on the server.
_PERSON_RETRY_S: Final = 10.0

_TRUST_US: Final = (
    "the server does not accept this client's certificate: on the server, move it from its rejected to its trusted "
    "certificates (`python -m connectors opcua check` shows file and thumbprint)"
)
_NO_NODE: Final = "the server has no such node: look for it with `python -m connectors opcua browse`"
_WORDS: Final = {
    ua.StatusCodes.BadTooManySessions: "the server has no free session: end other clients, or raise its limit",
    ua.StatusCodes.BadMaxConnectionsReached: "the server has no free connection: end other clients, or raise its limit",
    ua.StatusCodes.BadTcpNotEnoughResources: "the server has no free connection: end other clients, or raise its limit",
    ua.StatusCodes.BadSecurityChecksFailed: _TRUST_US,
    ua.StatusCodes.BadCertificateUntrusted: _TRUST_US,
    ua.StatusCodes.BadCertificateInvalid: _TRUST_US,
    ua.StatusCodes.BadCertificateChainIncomplete: _TRUST_US,
    ua.StatusCodes.BadCertificateUseNotAllowed: "the server wants another kind of certificate from this client "
    "(key usage): remove pki/own/certificate.der to have it made anew",
    ua.StatusCodes.BadCertificateTimeInvalid: "this client's certificate has expired, or the clocks differ: compare "
    "them; else remove pki/own/certificate.der and let the server trust the new one",
    ua.StatusCodes.BadCertificateUriInvalid: "the server reads another application URI in this client's certificate: "
    "remove pki/own/certificate.der to have it made anew",
    ua.StatusCodes.BadSecurityPolicyRejected: "the server refuses this security policy: choose another one of those "
    "that `python -m connectors discover` lists",
    ua.StatusCodes.BadSecurityModeRejected: "the server refuses this security mode: choose another one of those that "
    "`python -m connectors discover` lists",
    ua.StatusCodes.BadIdentityTokenRejected: "the server refuses this user: correct identity",
    ua.StatusCodes.BadIdentityTokenInvalid: "the server does not take this kind of identity: set identity (user, or "
    "certificate) as its endpoint demands",
    ua.StatusCodes.BadUserAccessDenied: "the server refuses this user, or its password: correct identity",
    ua.StatusCodes.BadUserSignatureInvalid: "the key does not belong to the user's certificate: correct identity",
    ua.StatusCodes.BadTooManySubscriptions: "the server has no free subscription: use fewer publishing rates",
    ua.StatusCodes.BadTooManyMonitoredItems: "the server monitors no more nodes: configure fewer tags",
    ua.StatusCodes.BadNodeIdUnknown: _NO_NODE,
    ua.StatusCodes.BadNoMatch: _NO_NODE,
    ua.StatusCodes.BadShutdown: "the server shuts down",
    ua.StatusCodes.BadServerHalted: "the server is halted",
    ua.StatusCodes.BadTcpEndpointUrlInvalid: "the server is not known by this address: use the one it tells itself",
}
_PATIENCE_S: Final = {
    ua.StatusCodes.BadTooManySessions: _SESSIONS_RETRY_S,
    ua.StatusCodes.BadMaxConnectionsReached: _SESSIONS_RETRY_S,
    ua.StatusCodes.BadTcpNotEnoughResources: _SESSIONS_RETRY_S,
    **{
        code: _PERSON_RETRY_S
        for code, words in _WORDS.items()
        if words is _TRUST_US
        or code
        in (
            ua.StatusCodes.BadCertificateTimeInvalid,
            ua.StatusCodes.BadCertificateUriInvalid,
            ua.StatusCodes.BadIdentityTokenRejected,
            ua.StatusCodes.BadIdentityTokenInvalid,
            ua.StatusCodes.BadUserAccessDenied,
        )
    },
}
# What asyncua raises where a server or the network fails it; anything else is a bug.
LINK_ERRORS: Final = (OSError, TimeoutError, asyncio.TimeoutError, ua.UaError)


def unavailable(error: Exception) -> SourceUnavailable:
    """The error that says so, with the time for which the server should be left alone."""
    patience_s = _PATIENCE_S.get(error.code, 1.0) if isinstance(error, ua.UaStatusCodeError) else 1.0
    return SourceUnavailable(explained(error), retry_after_s=patience_s)


def may_mean_our_certificate(error: Exception) -> bool:
    """Whether a server may have answered so because of this client's certificate; many just hang up."""
    if isinstance(error, ua.UaStatusCodeError):
        return error.code == ua.StatusCodes.BadCertificateTimeInvalid or _WORDS.get(error.code) is _TRUST_US
    return isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError)


def explained(error: Exception) -> str:
    """One line: what the server said, in the standard's word, and what to do."""
    if isinstance(error, ua.UaStatusCodeError):
        name = ua.StatusCode(error.code).name
        words = _WORDS.get(error.code)
        return f"{name}: {words}" if words else f"{name}: {ua.StatusCode(error.code).doc}"
    if isinstance(error, ConnectionRefusedError):
        return "ConnectionRefusedError: nothing listens at this address: start the server, or correct host and port"
    if isinstance(error, socket.gaierror):
        return f"{error.strerror}: nobody knows a host of this name: correct it, or give its IP address"
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "TimeoutError: no answer: a firewall, a wrong address, or a server that hangs"
    text = " ".join(str(error).split())
    if isinstance(error, ConnectionError):
        return (
            f"{type(error).__name__}: the server closed the connection ({text}); with a security policy it may not "
            "trust this client's certificate yet: look at its rejected certificates"
        )
    return f"{type(error).__name__}: {text}"
