"""A process that asks for room as it is told, for tests with several: one line of JSON in, one out."""

import asyncio
import json
import sys

from lockgate.gateway.web import limits_redis
from lockgate.gateway.web.limits_buckets import Ask


async def main():
    shared = limits_redis.connect({"redis": sys.argv[1]}, password=None)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        asks = [Ask(*ask) for ask in order["asks"]]
        verdicts = await asyncio.gather(*(shared.take(asks) for _ in range(order["times"])))
        print(json.dumps(sum(verdict.wait_ns == 0 for verdict, _ in verdicts)), flush=True)
    await shared.close()


asyncio.run(main())
