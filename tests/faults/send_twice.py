"""Run as the gateway's own user: hands the vault one step twice and says, as JSON, what came of each."""

import asyncio
import json
import sys

from lockgate.gateway.processors.contract import Inquire
from lockgate.gateway.processors.simulator import PROCESSOR
from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.kernel import clock


async def send(given: dict[str, str]) -> list[str]:
    client = VaultClient(given["socket"], caller="gateway", key=bytes.fromhex(given["key"]))
    inquiry = Inquire(
        step=given["step"],
        reference="nobody",
        send_before_ms=clock.now_ms() + 5_000,
        timeout_ms=5_000,
        settings={"origin": given["origin"]},
    )
    order = next(PROCESSOR.inquire(inquiry))
    try:
        return [type(await client.forward(given["account"], False, order)).__name__ for _ in range(2)]
    finally:
        await client.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(send(json.load(sys.stdin)))))
