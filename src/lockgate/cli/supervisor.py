"""Starts programs in order, restarts what dies, gives up when that does not help, stops all in reverse order."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lockgate.cli import launch
from lockgate.kernel import clock, ready

DEATHS_ALLOWED = 5
DEATH_WINDOW_S = 60.0
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 5.0
_LOG_LIMIT_BYTES = 16 * 1024 * 1024


class StartError(Exception):
    """A program did not become ready; the message ends with the last thing it said."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to know that it works.

    ``order`` is the launcher's (uid, groups, Landlock). ``probe`` returns when the program takes work; without one the
    program announces itself on the descriptor in LOCKGATE_READY_FD. ``gift`` is handed over on a pipe whose descriptor
    stands in the environment variable ``gift_name``: a passphrase must appear in no file and no command line.
    """

    name: str
    argv: Sequence[str]
    order: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    probe: Callable[[], Awaitable[None]] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # Programs lose their database with the supervisor, so nothing is left for them to finish: the kernel ends them.
    orphan_signal: signal.Signals = signal.SIGKILL
    ready_within_s: float = 60.0
    stop_within_s: float = 15.0
    gift_name: str | None = None
    gift: bytes | None = field(default=None, repr=False)


class _Child:
    """One supervised program: its present process, its recent deaths."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: asyncio.subprocess.Process | None = None
        self.deaths: deque[float] = deque(maxlen=DEATHS_ALLOWED)
        self.watcher: asyncio.Task[None] | None = None


class Supervisor:
    """Owns child processes. ``changed`` is called with the name to pid table whenever a restarted program is ready."""

    def __init__(
        self, logs: Path, *, changed: Callable[[dict[str, int]], None], say: Callable[[str], None]
    ) -> None:
        self._logs = logs
        self._changed = changed
        self._say = say
        self._children: list[_Child] = []
        self._stopping = False
        self._given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def pids(self) -> dict[str, int]:
        """The running programs' process ids, in start order."""
        return {child.program.name: child.process.pid for child in self._children if child.process is not None}

    async def start(self, *programs: Program) -> None:
        """Start programs that do not need one another; returns when all are ready. StartError if one is not."""
        children = [_Child(program) for program in programs]
        self._children += children
        results = await asyncio.gather(*(self._run(child) for child in children), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        for child in children:
            child.watcher = asyncio.create_task(self._watch(child), name=f"watch {child.program.name}")

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one program, if it runs just now."""
        pid = self.pids().get(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def given_up(self) -> str:
        """Waits until a program has died too often; returns the reason."""
        return await asyncio.shield(self._given_up)

    async def stop(self) -> None:
        """Stop everything in reverse order of starting, politely at first."""
        self._stopping = True
        for child in self._children:
            if child.watcher is not None:
                child.watcher.cancel()
        for child in reversed(self._children):
            await self._end(child)

    # -- one child ------------------------------------------------------------------------------------------------

    async def _run(self, child: _Child) -> None:
        """Spawn and wait until ready; on failure the process is gone when this raises."""
        program = child.program
        listening, announcing = os.pipe()
        gift_fd = _gift(program)
        inherited = [announcing] + ([gift_fd] if gift_fd is not None else [])
        environment = {**program.environment, ready.READY_FD: str(announcing)}
        if gift_fd is not None and program.gift_name is not None:
            environment[program.gift_name] = str(gift_fd)
        order = {**program.order, "signal": int(program.orphan_signal)}
        try:
            with self._open_log(program.name) as log:
                child.process = await asyncio.create_subprocess_exec(
                    *launch.command(order, program.argv),
                    stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=environment,
                    pass_fds=inherited,
                    start_new_session=True,  # a Ctrl-C at the terminal reaches us alone: we stop the rest in order
                )  # fmt: skip
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        try:
            await asyncio.wait_for(self._until_ready(child, listening), program.ready_within_s)
        except TimeoutError:
            await self._end(child)
            raise StartError(f"{program.name} was not ready within {program.ready_within_s:.0f} s: "
                             f"{self._last_words(program.name)}") from None
        except BaseException:
            await self._end(child)
            raise
        finally:
            os.close(listening)

    async def _until_ready(self, child: _Child, listening: int) -> None:
        program, process = child.program, child.process
        assert process is not None
        exited = asyncio.ensure_future(process.wait())
        able = asyncio.ensure_future(program.probe() if program.probe else _announced(listening))
        try:
            await asyncio.wait({exited, able}, return_when=asyncio.FIRST_COMPLETED)
            if able.done() and not exited.done():
                able.result()
                return
            status = await exited
            raise StartError(f"{program.name} {_how(status)} while starting: {self._last_words(program.name)}")
        finally:
            for waiting in (exited, able):
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await waiting

    async def _watch(self, child: _Child) -> None:
        """Restart the program whenever it dies, until it has died too often within a minute."""
        name = child.program.name
        assert child.process is not None
        while True:
            how = _how(await child.process.wait())
            while True:
                if self._stopping:
                    return
                delay = self._record_death(child)
                if delay is None:
                    reason = (
                        f"{name} died {DEATHS_ALLOWED} times within a minute, the last time it {how}: "
                        f"{self._last_words(name)}"
                    )
                    if not self._given_up.done():
                        self._given_up.set_result(reason)
                    return
                self._say(f"{name} {how}; restarting it in {delay:.1f} s")
                await asyncio.sleep(delay)
                try:
                    await self._run(child)
                except StartError as error:
                    how = str(error).removeprefix(f"{name} ")
                    continue
                break
            self._say(f"{name} is back (pid {child.process.pid})")
            self._changed(self.pids())

    def _record_death(self, child: _Child) -> float | None:
        """How long to wait before the next try, or None when it is time to give up."""
        now = clock.monotonic()
        child.deaths.append(now)
        recent = [death for death in child.deaths if now - death <= DEATH_WINDOW_S]
        if len(recent) >= DEATHS_ALLOWED:
            return None
        return min(_FIRST_DELAY_S * 2 ** (len(recent) - 1), _LONGEST_DELAY_S)

    async def _end(self, child: _Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(child.program.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), child.program.stop_within_s)
        except TimeoutError:
            self._say(f"{child.program.name} did not stop within {child.program.stop_within_s:.0f} s: killing it")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    # -- logs -----------------------------------------------------------------------------------------------------

    def _log_file(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _open_log(self, name: str) -> BinaryIO:
        file = self._log_file(name)
        if file.exists() and file.stat().st_size > _LOG_LIMIT_BYTES:
            file.replace(file.with_suffix(".log.1"))
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")

    def _last_words(self, name: str) -> str:
        """The end of the program's log, for the operator."""
        file = self._log_file(name)
        try:
            with file.open("rb") as log:
                log.seek(max(0, file.stat().st_size - 2000))
                lines = log.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return f"{lines[-1] if lines else 'it said nothing'} (see {file})"


def _gift(program: Program) -> int | None:
    """The reading end of a pipe that already holds the program's gift: small enough to fit a pipe's buffer."""
    if program.gift is None:
        return None
    if len(program.gift) > 4096:
        raise ValueError("a gift must fit a pipe's buffer")
    reading, writing = os.pipe()
    os.write(writing, program.gift)
    os.close(writing)
    return reading


async def _announced(listening: int) -> None:
    """Waits for the line that kernel/ready writes. Closing the descriptor without it is no announcement."""
    loop = asyncio.get_running_loop()
    said: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        heard = os.read(listening, 64)
        if b"ready" in heard and not said.done():
            said.set_result(None)
        if not heard:
            loop.remove_reader(listening)

    loop.add_reader(listening, read)
    try:
        await said
    finally:
        loop.remove_reader(listening)


def _how(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
