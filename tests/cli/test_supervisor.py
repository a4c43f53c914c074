"""The supervisor with small real programs: order, readiness, restarts, giving up, and leaving nothing behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lockgate.cli.supervisor import Program, StartError, Supervisor

ROOT = Path(__file__).parents[2]
ANNOUNCE = "import os, sys, time\nos.write(int(os.environ['LOCKGATE_READY_FD']), b'ready\\n')\n"
FOREVER = ANNOUNCE + "time.sleep(600)\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER
FAILS = "import sys\nprint('the disk is full', file=sys.stderr)\nsys.exit(3)\n"


def python(name: str, source: str, **details: object) -> Program:
    return Program(name, [sys.executable, "-I", "-c", source], **details)  # type: ignore[arg-type]


class Watched:
    """A supervisor and what it told the outside."""

    def __init__(self, logs: Path) -> None:
        self.published: list[dict[str, int]] = []
        self.said: list[str] = []
        self.supervisor = Supervisor(logs, changed=self.published.append, say=self.said.append)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    it = Watched(tmp_path)
    yield it
    await it.supervisor.stop()


async def until(condition: Callable[[], bool], timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_returns_when_all_are_ready_and_stops_in_reverse_order(watched: Watched, tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    source = (
        "import signal, sys\n"
        "def end(*_):\n    open({ends!r}, 'a').write({name!r} + ' ')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
    )
    for name in ("first", "second", "third"):
        await watched.supervisor.start(python(name, source.format(ends=str(ends), name=name) + FOREVER))
    pids = watched.supervisor.pids()
    assert list(pids) == ["first", "second", "third"]
    assert all(alive(pid) for pid in pids.values())
    await watched.supervisor.stop()
    assert ends.read_text().split() == ["third", "second", "first"]
    assert not any(alive(pid) for pid in pids.values())


async def test_a_program_that_fails_at_the_start_says_why(watched: Watched) -> None:
    with pytest.raises(StartError, match=r"broken ended with status 3 while starting: the disk is full \(see .*broken"):
        await watched.supervisor.start(python("broken", FAILS))


async def test_a_program_that_closes_the_descriptor_silently_is_not_ready(watched: Watched) -> None:
    silent = "import os, time\nos.close(int(os.environ['LOCKGATE_READY_FD']))\ntime.sleep(600)\n"
    with pytest.raises(StartError, match="was not ready within 1 s"):
        await watched.supervisor.start(python("silent", silent, ready_within_s=1.0))
    assert not any(alive(pid) for pid in watched.supervisor.pids().values())


async def test_a_killed_program_comes_back_and_its_new_pid_is_published(watched: Watched) -> None:
    await watched.supervisor.start(python("one", FOREVER), python("two", FOREVER))
    before = watched.supervisor.pids()
    os.kill(before["two"], signal.SIGKILL)
    await until(lambda: bool(watched.published))
    after = watched.published[-1]
    assert after["one"] == before["one"]
    assert after["two"] != before["two"]
    assert alive(after["two"])
    assert any("two was killed by SIGKILL" in line for line in watched.said)


async def test_the_pause_before_a_restart_grows(watched: Watched) -> None:
    await watched.supervisor.start(python("one", FOREVER))
    for round_ in range(1, 5):
        os.kill(watched.supervisor.pids()["one"], signal.SIGKILL)
        await until(lambda done=round_: len(watched.published) == done)
    pauses = [line.rsplit(" ", 2)[1] for line in watched.said if "restarting" in line]
    assert pauses == ["0.1", "0.2", "0.4", "0.8"]


async def test_five_deaths_within_a_minute_are_given_up_with_the_reason(watched: Watched, tmp_path: Path) -> None:
    started = tmp_path / "started-once"
    source = (
        "import os, sys, time\nfrom pathlib import Path\n"
        f"again = Path({str(started)!r}).exists()\nPath({str(started)!r}).touch()\n"
        "if again:\n    print('the key is gone', file=sys.stderr)\n    sys.exit(4)\n"
    )
    await watched.supervisor.start(python("healthy", FOREVER), python("doomed", source + FOREVER))
    os.kill(watched.supervisor.pids()["doomed"], signal.SIGKILL)
    reason = await asyncio.wait_for(watched.supervisor.given_up(), 20)
    assert reason.startswith("doomed died 5 times within a minute")
    assert "the key is gone" in reason
    assert sum("restarting" in line for line in watched.said) == 4


async def test_a_stubborn_program_is_killed_in_the_end(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    await watched.supervisor.start(python("stubborn", STUBBORN, stop_within_s=0.5))
    pid = watched.supervisor.pids()["stubborn"]
    await watched.supervisor.stop()
    assert not alive(pid)
    assert any("did not stop within" in line for line in watched.said)


async def test_a_gift_arrives_on_a_descriptor_at_every_start_and_nowhere_else(watched: Watched, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    source = (
        "import os, sys\n"
        f"given = os.read(int(os.environ['GIFT_FD']), 100)\nopen({str(seen)!r}, 'ab').write(given + b'|')\n"
    )
    program = python("taker", source + FOREVER, gift_name="GIFT_FD", gift=b"open sesame")
    await watched.supervisor.start(program)
    pid = watched.supervisor.pids()["taker"]
    for place in ("cmdline", "environ"):
        assert b"sesame" not in Path(f"/proc/{pid}/{place}").read_bytes()
    assert "sesame" not in repr(program)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: bool(watched.published))
    assert seen.read_bytes() == b"open sesame|open sesame|"


async def test_programs_inherit_only_what_they_are_given(watched: Watched) -> None:
    await watched.supervisor.start(python("one", FOREVER, environment={"ONLY": "this"}))
    pid = watched.supervisor.pids()["one"]
    names = {entry.split(b"=")[0] for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if entry}
    assert names <= {b"ONLY", b"LOCKGATE_READY_FD", b"LC_CTYPE"}
    files = {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
    assert len([file for file in files if file.startswith("pipe:")]) == 1, "the descriptor that it announced itself on"
    assert not [file for file in files if file.startswith("socket:")]


def test_killing_the_supervisor_leaves_nothing_running(tmp_path: Path) -> None:
    """Even a program that ignores SIGTERM, and one that the supervisor had restarted."""
    script = f"""
import asyncio, json, os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.cli.test_supervisor import FOREVER, STUBBORN, Watched, python, until

async def main():
    watched = Watched(Path({str(tmp_path)!r}))
    await watched.supervisor.start(python("plain", FOREVER), python("stubborn", STUBBORN))
    os.kill(watched.supervisor.pids()["plain"], signal.SIGKILL)
    await until(lambda: bool(watched.published))
    print(json.dumps(watched.supervisor.pids()), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert supervisor.stdout is not None
    pids = json.loads(supervisor.stdout.readline())
    assert all(alive(pid) for pid in pids.values())
    supervisor.kill()
    supervisor.wait()
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids.values()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids.values())
