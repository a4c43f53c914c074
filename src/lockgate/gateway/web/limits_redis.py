"""Buckets that several gateway processes share: one script in Redis for all of a request's, on Redis's own clock."""

import asyncio
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from lockgate.gateway.web.limits_buckets import Ask, Verdict
from lockgate.kernel.batch import Batcher
from lockgate.kernel.config import ConfigError
from lockgate.kernel.source import is_loopback

WAIT_S = 0.25          # how long an answer may take before Redis counts as gone
LEASE_MS = 60_000      # a request under way is forgotten after this, if the process that has it died
CONNECTIONS = 2
MOST_TOGETHER = 64
TELL_S = 0.01          # how long an ended request may hold its place, to be told of with others
_PREFIX = "lockgate:limit:"
_GONE = (RedisError, OSError, TimeoutError)

# A bucket is "seconds:nanoseconds", the time at which it will be empty again. All arithmetic is on differences to now,
# which fit a double exactly for a hundred days.
#   KEYS: the buckets, then the sets of requests under way.
#   ARGV: what to do (take, look or charge), a lease, and numbers with spaces between: how many buckets, the lease's
#   milliseconds, per bucket interval, burst and whether it only watches (for charge: how many requests instead), and
#   per set how many it may hold.
# Answers {wait in ns as text, the place of the bucket or set that refused (0: none), places of those that watch}.
_SCRIPT = """
local time = redis.call('TIME')
local now_s, now_ns = tonumber(time[1]), tonumber(time[2]) * 1000
local what, lease, given = ARGV[1], ARGV[2], {}
for number in string.gmatch(ARGV[3], '%d+') do given[#given + 1] = tonumber(number) end
local buckets, lease_ms = given[1], given[2]
local ahead, watched, worst, place = {}, {}, 0, 0
for i = 1, buckets do
    local interval, burst, last = given[3 * i], given[3 * i + 1], given[3 * i + 2]
    local kept, d = redis.call('GET', KEYS[i]), 0
    if kept then
        local s, n = string.match(kept, '^(%d+):(%d+)$')
        d = math.max(0, (tonumber(s) - now_s) * 1e9 + (tonumber(n) - now_ns))
    end
    if what == 'charge' then
        d = math.min(d + last * interval, burst * interval)
    else
        local over = d - (burst - 1) * interval
        if over <= 0 then
            d = d + interval
        elseif last == 1 then
            watched[#watched + 1] = i
            d = -1
        elseif over > worst then
            worst, place = over, i
        end
    end
    ahead[i] = d
end
local after, now_ms = 3 * buckets + 2, now_s * 1000 + math.floor(now_ns / 1e6)
for i = buckets + 1, #KEYS do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now_ms)
    if place == 0 and redis.call('ZCARD', KEYS[i]) >= given[after + i - buckets] then
        worst, place = 1e9, i
    end
end
if place == 0 and what ~= 'look' then
    for i = 1, buckets do
        if ahead[i] > 0 then
            local at = now_ns + ahead[i]
            local s = math.floor(at / 1e9)
            redis.call('SET', KEYS[i], string.format('%.0f:%.0f', now_s + s, at - s * 1e9),
                'PX', string.format('%.0f', math.ceil(ahead[i] / 1e6) + 1))
        end
    end
    for i = buckets + 1, #KEYS do
        redis.call('ZADD', KEYS[i], now_ms + lease_ms, lease)
        redis.call('PEXPIRE', KEYS[i], lease_ms + 1000)
    end
end
return {string.format('%.0f', worst), place, watched}
"""
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()  # the name that Redis gives it

Command = tuple[Any, ...]


class SharedGone(Exception):
    """Redis does not answer, or not as it must: no limit can be known."""


class Lease(NamedTuple):
    """A request under way: its own name, and the sets that it counts in with how many each may hold."""

    id: str
    sets: Sequence[tuple[str, int]]


class Charge(NamedTuple):
    """What was taken elsewhere while Redis was gone."""

    bucket: str
    interval_ns: int
    burst: int
    requests: int


class SharedBuckets:
    """Buckets and leases in Redis. Every method raises SharedGone when it cannot know."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._redis = Redis(connection_pool=pool)
        self._free: list[AbstractConnection] = []
        self._left: dict[str, list[str]] = {}
        self._telling: asyncio.Task[None] | None = None
        self._commands: Batcher[Command, Any] = Batcher(self._send, cap=MOST_TOGETHER, lanes=CONNECTIONS)

    async def take(self, asks: Sequence[Ask], lease: Lease | None = None) -> tuple[Verdict, int | None]:
        """Room in all buckets and a place in all of the lease's sets, or none of it: one script, one round trip.

        Also gives the place of the set that was full, if it was one.
        """
        sets = lease.sets if lease else ()
        found = await self._run(
            "take",
            [(one.name, one.interval_ns, one.burst, int(one.observer is not None)) for one in asks],
            lease=lease,
        )
        wait_ns, place, watched = int(found[0]), int(found[1]), [int(i) for i in found[2]]
        over = tuple(observer for i in watched if (observer := asks[i - 1].observer) is not None)
        if place > len(asks):
            assert place <= len(asks) + len(sets), "the script names one of its keys"
            return Verdict(wait_ns, "", over), place - len(asks) - 1
        return Verdict(wait_ns, asks[place - 1].reason if place else "", over), None

    async def look(self, ask: Ask) -> int:
        """How long until there is room, without taking it."""
        return int((await self._run("look", [(ask.name, ask.interval_ns, ask.burst, 0)]))[0])

    async def charge(self, charges: Sequence[Charge]) -> None:
        """Count what was taken elsewhere, each bucket up to what it holds."""
        for start in range(0, len(charges), 500):
            portion = charges[start : start + 500]
            await self._run("charge", [(one.bucket, one.interval_ns, one.burst, one.requests) for one in portion])

    def leave(self, lease: Lease) -> None:
        """A request has ended: told to Redis within a moment, together with others. If it cannot be, the lease ends."""
        for name, _ in lease.sets:
            self._left.setdefault(name, []).append(lease.id)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell_later())

    async def tell(self) -> None:
        """Tell of all that have ended."""
        left, self._left = self._left, {}
        commands = [("ZREM", _PREFIX + name, *ids) for name, ids in left.items()]
        try:
            await asyncio.gather(*(self._commands.submit(command) for command in commands))
        except _GONE as gone:
            raise SharedGone(type(gone).__name__) from gone

    async def check(self) -> None:
        """Raise unless Redis answers, and keeps what it is given: one that forgets under pressure lifts limits."""
        try:
            kept = await self._redis.info("memory")
        except _GONE as gone:
            raise SharedGone(type(gone).__name__) from gone
        policy = kept.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise SharedGone(f"maxmemory-policy is {policy}, but limits need noeviction")

    async def close(self) -> None:
        """Tell of what has ended, if Redis is there, and leave."""
        if self._telling is not None:
            await asyncio.wait({self._telling})
        await self._commands.close()
        for connection in self._free:
            await connection.disconnect(nowait=True)
        await self._redis.aclose()
        await self._pool.disconnect()

    async def _tell_later(self) -> None:
        await asyncio.sleep(TELL_S)
        self._telling = None
        with suppress(SharedGone):
            await self.tell()

    async def _run(
        self, what: str, buckets: Sequence[tuple[str, int, int, int]], *, lease: Lease | None = None
    ) -> list[Any]:
        sets = lease.sets if lease else ()
        keys = [_PREFIX + one[0] for one in buckets] + [_PREFIX + name for name, _ in sets]
        numbers = [len(buckets), LEASE_MS]
        for _, interval_ns, burst, last in buckets:
            numbers += (interval_ns, burst, last)
        numbers += [most for _, most in sets]
        words = (len(keys), *keys, what, lease.id if lease else "", " ".join(map(str, numbers)))
        try:
            found = await self._commands.submit(("EVALSHA", _SHA, *words))
            if isinstance(found, NoScriptError):  # Redis was started anew
                found = await self._commands.submit(("EVAL", _SCRIPT, *words))
            if isinstance(found, Exception):
                raise found
        except _GONE as gone:
            raise SharedGone(type(gone).__name__) from gone
        return found

    async def _send(self, commands: list[Command]) -> list[Any]:
        """What waits together goes out in one write; an answer that is an error is that command's alone."""
        connection = self._free.pop() if self._free else self._pool.make_connection()
        try:
            async with asyncio.timeout(WAIT_S):
                if not connection.is_connected:
                    await connection.connect()
                await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                found = [await _answer(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._free.append(connection)
        return found


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def connect(settings: Mapping[str, Any], *, password: str | None) -> SharedBuckets:
    """The shared buckets that ``limits`` in settings.json names; a password stands in the gateway's secrets.

    ``redis`` is ``rediss://host:port``, ``redis://`` for a loopback address, or ``unix:///path``; ``redis_ca`` a file
    of the authority that signed its certificate, else the system's are believed.
    """
    url = str(settings["redis"])
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ConfigError("limits.redis must not hold a password: put it into secrets/gateway.json as redis_password")
    options: dict[str, Any] = {}
    if parts.scheme == "rediss":
        options = {
            "ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": settings.get("redis_ca"),
            "ssl_min_version": ssl.TLSVersion.TLSv1_3,
        }  # fmt: skip
    elif parts.scheme == "redis" and not is_loopback(parts.hostname or ""):
        raise ConfigError("limits.redis without TLS can only be on this machine: use rediss://, or a loopback address")
    elif parts.scheme not in ("redis", "unix"):
        raise ConfigError("limits.redis must be a rediss://, redis:// or unix:// address")
    pool = ConnectionPool.from_url(
        url,
        password=password,
        retry=Retry(NoBackoff(), 0),  # what may have been counted is not asked for again
        socket_timeout=WAIT_S,
        socket_connect_timeout=WAIT_S,
        **options,
    )
    return SharedBuckets(pool)
