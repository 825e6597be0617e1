"""How the OPC UA connector proves who it is, and whom it believes; checked without touching files or network."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, model_validator

from connectors.settings import Strict


class SecurityPolicy(StrEnum):
    """The policies that are not deprecated, by the name that servers show."""

    NONE = "None"
    BASIC256SHA256 = "Basic256Sha256"
    AES128_SHA256_RSAOAEP = "Aes128Sha256RsaOaep"
    AES256_SHA256_RSAPSS = "Aes256Sha256RsaPss"


class SecurityMode(StrEnum):
    """What is done to each message."""

    SIGN = "Sign"
    SIGN_AND_ENCRYPT = "SignAndEncrypt"


# Spelled out, so that nobody switches the check off by a short word copied from somewhere.
ACCEPT_ANY: Final = "accept any server certificate"


class SecuritySettings(Strict):
    """The secure channel. ``policy: None`` sends everything in clear and checks nobody."""

    policy: SecurityPolicy = SecurityPolicy.NONE
    mode: SecurityMode = SecurityMode.SIGN_AND_ENCRYPT
    pki: Path | None = Field(
        default=None, description="folder of own/, trusted/, rejected/ and crl/; the key in it is made on first use"
    )
    application_uri: str | None = Field(
        default=None, min_length=1, description="name of this client; default urn:lineside:connector:<line>"
    )
    # Servers hold a certificate trusted by its bytes: a shorter life means somebody at each PLC more often.
    certificate_days: int = Field(
        default=1825, ge=1, le=7300, description="life of the own certificate when it is made"
    )
    server_certificates: str = Field(
        default="trusted", description=f"trusted: only those in trusted/; or, in so many words: {ACCEPT_ANY}"
    )

    @property
    def is_secure(self) -> bool:
        """Whether messages are signed at least."""
        return self.policy is not SecurityPolicy.NONE

    @property
    def accepts_any(self) -> bool:
        """Whether the server's certificate is believed unseen."""
        return self.server_certificates == ACCEPT_ANY

    @model_validator(mode="after")
    def _complete(self) -> "SecuritySettings":
        if self.server_certificates not in ("trusted", ACCEPT_ANY):
            raise ValueError(f"server_certificates: write trusted, or {ACCEPT_ANY!r}")
        if self.is_secure and self.pki is None:
            raise ValueError(f"policy {self.policy.value} needs pki: a folder for certificates and the private key")
        return self


class IdentitySettings(Strict):
    """Who logs in: nobody (anonymous), a user with a password, or a user with a certificate."""

    user: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = None
    password_file: Path | None = Field(default=None, description="a file that holds the password, as a secret's mount")
    certificate: Path | None = Field(default=None, description="the user's certificate, .der or .pem")
    private_key: Path | None = Field(default=None, description="the key of that certificate, .pem")

    @model_validator(mode="after")
    def _one_of_three(self) -> "IdentitySettings":
        if self.user is not None and self.certificate is not None:
            raise ValueError("give user or certificate, not both")
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key belong together; give both")
        passwords = (self.password is not None) + (self.password_file is not None)
        if self.user is not None and passwords != 1:
            raise ValueError("user needs a password: give password or password_file, not both")
        if self.user is None and passwords:
            raise ValueError("password without user; give user as well")
        return self
