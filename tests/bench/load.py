"""The load generator: a process of its own that keeps N connections busy and prints one JSON line of what it saw.

Standard input holds the requests of one story, ``[[path, form body], ...]``; ``{id}`` in a path is the id that the
story's previous answer began with.
"""

import argparse
import asyncio
import json
import ssl
import sys
import time
from urllib.parse import urlsplit


class Connection:
    """One kept-alive HTTP/1.1 connection that sends one prepared request after another."""

    def __init__(self, url: str, ca_file: str | None) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.context = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port, ssl=self.context)

    async def send(self, request: bytes) -> tuple[int, bytes]:
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        low = head.lower()
        length = int(low.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return status, await self.reader.readexactly(length)

    def close(self) -> None:
        self.writer.close()


async def run(options: argparse.Namespace) -> dict:
    bodies = json.loads(sys.stdin.read())
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    left = options.count
    parts = urlsplit(options.url)
    stamp = f"{time.time_ns():x}"
    end = time.monotonic() + options.seconds if options.seconds else None

    async def worker(number: int) -> None:
        nonlocal left
        connection = Connection(options.url, options.ca)
        await connection.open()
        serial = 0
        while left > 0 and (end is None or time.monotonic() < end):
            left -= 1
            serial += 1
            started = time.perf_counter()
            made = ""
            for template, body in bodies:
                path, payload = template.replace("{id}", made), body.encode()
                request = (
                    f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {options.key}\r\n"
                    f"Idempotency-Key: {stamp}-{number}-{serial}-{path[-7:]}\r\n"
                    "Content-Type: application/x-www-form-urlencoded\r\n"
                    f"Content-Length: {len(payload)}\r\n\r\n"
                ).encode() + payload
                status, answer = await connection.send(request)
                if answer.startswith(b'{"id":"'):
                    made = answer[7 : answer.index(b'"', 7)].decode()
                statuses[status] = statuses.get(status, 0) + 1
                if status >= 400 and statuses[status] == 1:
                    print(answer[:500].decode(), file=sys.stderr)
            latencies.append(time.perf_counter() - started)
        connection.close()

    began = time.monotonic()
    await asyncio.gather(*(worker(n) for n in range(options.connections)))
    elapsed = time.monotonic() - began
    latencies.sort()
    return {
        "done": len(latencies),
        "elapsed_s": elapsed,
        "per_second": len(latencies) / elapsed,
        "p50_ms": 1000 * latencies[len(latencies) // 2],
        "p99_ms": 1000 * latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)],
        "statuses": statuses,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--ca")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0)
    try:
        import uvloop

        result = uvloop.run(run(parser.parse_args()))
    except ImportError:
        result = asyncio.run(run(parser.parse_args()))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
