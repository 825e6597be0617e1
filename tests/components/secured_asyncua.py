"""A secured asyncua server in a process of its own: `python -m tests.components.secured_asyncua CERTIFICATE KEY …`."""

import asyncio
import logging
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from asyncua import Server, ua
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
URI = "urn:tests:secured-asyncua"
NAMESPACE = "urn:tests:plc"


class SecuredAsyncua:
    """Offers every policy, and believes the clients whose certificates lie in `trusted`; counts ten parts a second."""

    def __init__(self, folder: Path, certificate: Path, key: Path) -> None:
        self.trusted = folder / "server-trusts"
        self.trusted.mkdir()
        shutil.copy(certificate, self.trusted)  # asyncua reads no empty folder
        self.endpoint = f"opc.tcp://127.0.0.1:{free_port()}"
        self._log = folder / "secured-asyncua.log"
        self._args = [
            sys.executable, "-m", "tests.components.secured_asyncua", str(certificate), str(key), str(self.trusted),
            self.endpoint,
        ]  # fmt: skip

    def __enter__(self) -> Self:
        self._process = process = ChildProcess(self._args, log_path=self._log, cwd=REPOSITORY)

        def is_ready() -> bool:
            process.ensure_alive()
            return "ready" in self._log.read_text(errors="replace").splitlines()

        wait_until(is_ready, 30, lambda: f"the secured server to be ready\n{process.log_tail()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()


async def serve(certificate: str, key: str, trusted: str, endpoint: str) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(endpoint)
    await server.set_application_uri(URI)
    server.set_security_policy(
        [
            ua.SecurityPolicyType.Basic256Sha256_Sign,
            ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
            ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
            ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
        ]
    )
    await server.load_certificate(certificate)
    await server.load_private_key(key)
    store = TrustStore([Path(trusted)], [])
    options = CertificateValidatorOptions.TRUSTED_VALIDATION | CertificateValidatorOptions.PEER_CLIENT
    server.set_certificate_validator(CertificateValidator(options, store))
    index = await server.register_namespace(NAMESPACE)
    line = await server.nodes.objects.add_object(index, "Line")
    session = await line.add_variable(index, "TriggerSession", datetime.now(UTC).isoformat())
    part_id = await line.add_variable(index, "PartId", "")
    count = await line.add_variable(index, "Count", 0, ua.VariantType.UInt32)
    async with server:
        print("ready", flush=True)  # noqa: T201  (the parent waits for it)
        number = 0
        while True:
            await store.load()
            await session.write_value(await session.read_value())
            number += 1
            await part_id.write_value(f"part-{number}")
            await count.write_value(ua.Variant(number, ua.VariantType.UInt32))
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(*sys.argv[1:]))
