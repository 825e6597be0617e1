"""An asyncua server with structures of its own types: `python -m tests.components.structured_asyncua ENDPOINT`.

In a process of its own, so that a client has to learn the types from the server.
"""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from asyncua import Server, ua
from asyncua.common.structures104 import new_struct, new_struct_field

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
NAMESPACE = "urn:tests:structured"


class StructuredAsyncua:
    """Counts ten parts a second; part n is {Id: "part-n", Recipe: {Name: "r-n", Speed: 1.5 n}, Levels: [n, 2 n]}.

    `TriggerSession` and `Count` are plain tags, `Product` is a localized text, `Order` 20 bytes padded with NUL.
    """

    def __init__(self, folder: Path) -> None:
        self.endpoint = f"opc.tcp://127.0.0.1:{free_port()}"
        self._log = folder / "structured-asyncua.log"

    def __enter__(self) -> Self:
        args = [sys.executable, "-m", "tests.components.structured_asyncua", self.endpoint]
        self._process = process = ChildProcess(args, log_path=self._log, cwd=REPOSITORY)

        def is_ready() -> bool:
            process.ensure_alive()
            return "ready" in self._log.read_text(errors="replace").splitlines()

        wait_until(is_ready, 60, lambda: f"the structured server to be ready\n{process.log_tail()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()


async def serve(endpoint: str) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(endpoint)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(NAMESPACE)
    recipe, _ = await new_struct(
        server, index, "PlcRecipe",
        [new_struct_field("Name", ua.VariantType.String), new_struct_field("Speed", ua.VariantType.Double)],
    )  # fmt: skip
    await new_struct(
        server, index, "PlcPart",
        [
            new_struct_field("Id", ua.VariantType.String),
            new_struct_field("Recipe", recipe),
            new_struct_field("Levels", ua.VariantType.Double, array=True),
        ],
    )  # fmt: skip
    await server.load_data_type_definitions()
    types: Any = ua  # asyncua put the classes there

    def part(number: int) -> Any:
        inner = types.PlcRecipe(Name=f"r-{number}", Speed=1.5 * number)
        return types.PlcPart(Id=f"part-{number}", Recipe=inner, Levels=[1.0 * number, 2.0 * number])

    line = await server.nodes.objects.add_object(index, "Line")
    session = await line.add_variable(index, "TriggerSession", datetime.now(UTC).isoformat())
    tag = await line.add_variable(index, "Part", part(0))
    await line.add_variable(index, "Product", ua.LocalizedText("Hebel", "de"))
    await line.add_variable(index, "Order", b"A-4711".ljust(20, b"\0"))
    count = await line.add_variable(index, "Count", 0, ua.VariantType.UInt32)
    async with server:
        print("ready", flush=True)  # noqa: T201  (the parent waits for it)
        await session.write_value(await session.read_value())
        number = 0
        while True:
            number += 1
            at: Any = datetime.now(UTC)  # asyncua types moments as a class of its own
            await tag.write_value(ua.DataValue(ua.Variant(part(number)), SourceTimestamp=at, ServerTimestamp=at))
            counted = ua.Variant(number, ua.VariantType.UInt32)
            await count.write_value(ua.DataValue(counted, SourceTimestamp=at, ServerTimestamp=at))
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(*sys.argv[1:]))
