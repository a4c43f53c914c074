"""A Redis of the tests' own, on a Unix socket, that can be stopped, killed and started again."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest_asyncio

from lockgate.gateway.web import limits_redis


class RedisServer:
    """One redis-server; ``url`` is what settings would name."""

    def __init__(self, *words):
        self.directory = Path(tempfile.mkdtemp(prefix="lockgate-redis-", dir="/tmp"))
        self.socket = self.directory / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.words = words
        self.process = None

    async def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", "--dir", str(self.directory), *self.words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(200):
            if self.socket.exists():
                shared = limits_redis.connect({"redis": self.url}, password=None)
                with suppress(limits_redis.SharedGone):
                    await shared.check()
                    await shared.close()
                    return
                await shared.close()
            await asyncio.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.socket.unlink(missing_ok=True)
            self.process = None

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)


@pytest_asyncio.fixture
async def redis():
    server = RedisServer()
    await server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.directory, ignore_errors=True)
