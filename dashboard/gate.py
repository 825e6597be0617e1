"""The gate: turns a request's key or session cookie into a principal, and refuses foreign pages."""

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from dashboard.errors import NotAllowed, NotIdentified
from dashboard.keys import KeyRing, Principal, Role
from dashboard.settings import DashboardSettings
from wire.errors import ConfigurationError

COOKIE = "lineside_session"
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
# Everybody who reaches a loopback port without keys sits at the machine.
_LOCAL = Principal(name="local", role=Role.ENGINEER)


def is_loopback(host: str) -> bool:
    """Whether ``host`` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Gate:
    """Who may pass. Remembers nothing about sessions: a cookie carries its name and end, signed."""

    def __init__(self, keys: KeyRing, *, secret: bytes, session_s: float) -> None:
        self._keys = keys
        self._secret = secret
        self._session_s = session_s

    @classmethod
    def open(cls, settings: DashboardSettings) -> "Gate":
        """Read the keys; ConfigurationError if they are needed and missing, or wrong."""
        keys = KeyRing.read(settings.keys_file) if settings.keys_file is not None else KeyRing()
        if not keys and not is_loopback(settings.host):
            raise ConfigurationError(
                [
                    f"host: {settings.host} can be reached from other machines, but there are no API keys. Either set "
                    "host to 127.0.0.1, or make a key with 'python -m dashboard key --name NAME --role engineer', put "
                    "its lines into a file and name that file in keys_file."
                ]
            )
        secret = (
            settings.session_secret.get_secret_value().encode() if settings.session_secret else secrets.token_bytes()
        )
        return cls(keys, secret=secret, session_s=settings.session_hours * 3600)

    @property
    def asks_for_keys(self) -> bool:
        """False where everybody at this machine is let in."""
        return bool(self._keys)

    def allowed_hosts(self, settings: DashboardSettings) -> list[str]:
        """Host headers that are answered. Without keys only loopback names: else any web page could reach us by DNS."""
        if settings.allowed_hosts:
            return list(settings.allowed_hosts)
        return ["*"] if self._keys else [*_LOOPBACK_NAMES, settings.host]

    def principal(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal:
        """Who sent these headers; NotIdentified if nobody known did."""
        if not self._keys:
            return _LOCAL
        key = headers.get("x-api-key") or _bearer(headers.get("authorization", ""))
        if key:
            if (found := self._keys.identify(key)) is None:
                raise NotIdentified("the API key is not known", headers=_CHALLENGE)
            return found
        if (session := cookies.get(COOKIE)) and (found := self._read(session)) is not None:
            return found
        raise NotIdentified("send an API key as X-API-Key or 'Authorization: Bearer', or log in", headers=_CHALLENGE)

    def login(self, key: str) -> str:
        """A session cookie for whoever has ``key``; NotIdentified if nobody does."""
        if (found := self._keys.identify(key)) is None:
            raise NotIdentified("the API key is not known")
        body = base64.urlsafe_b64encode(
            json.dumps({"name": found.name, "ends_at": time.time() + self._session_s}).encode()
        ).decode()
        return f"{body}.{self._sign(body)}"

    def _read(self, session: str) -> Principal | None:
        body, _, signature = session.partition(".")
        if not hmac.compare_digest(signature, self._sign(body)):
            return None
        claims = json.loads(base64.urlsafe_b64decode(body))
        return self._keys.named(claims["name"]) if claims["ends_at"] > time.time() else None

    def _sign(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="lineside"'}


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refuse_foreign_page(headers: Mapping[str, str]) -> None:
    """NotAllowed if a browser sends this from a page of another site (cookies and loopback would let it in)."""
    origin = headers.get("origin")
    if origin and urlsplit(origin).netloc != headers.get("host"):
        raise NotAllowed(f"requests from pages of {origin} are refused", field="Origin", value=origin)


def need(principal: Principal, role: Role) -> None:
    """NotAllowed unless ``principal`` has at least ``role``."""
    if not principal.role.covers(role):
        raise NotAllowed(
            f"{principal.name} is {principal.role.value}; this needs the role {role.value}",
            field="role",
            value=principal.role.value,
        )
