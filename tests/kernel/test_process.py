"""A hardened process cannot be dumped, and one that is told so dies with its parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockgate.kernel import config, ready

_HARDENED = """
import ctypes, resource
from lockgate.kernel import process
process.harden()
locked = process.lock_memory()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE), locked in (True, False))
print([line for line in open("/proc/self/status") if line.startswith("NoNewPrivs")][0].split()[1])
"""
_PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import os, time; from lockgate.kernel import process; "
    f"process.die_with_parent({os.getpid()}); print('up', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_hardening_closes_dumps_tracing_and_privileges() -> None:
    said = subprocess.run([sys.executable, "-c", _HARDENED], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["0 (0, 0) True", "1"]


def test_a_child_goes_when_its_parent_is_killed() -> None:
    said = subprocess.run([sys.executable, "-c", _PARENT], capture_output=True, text=True, check=False).stdout
    child = Path(f"/proc/{int(said)}/stat")
    for _ in range(100):
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")


def test_readiness_is_one_line_on_the_named_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ready.READY_FD, raising=False)
    ready.announce()
    reading, writing = os.pipe()
    monkeypatch.setenv(ready.READY_FD, str(writing))
    ready.announce()
    with os.fdopen(reading, "rb") as line:
        assert line.read() == b"ready\n"
    monkeypatch.setenv(ready.READY_FD, "nonsense")
    with pytest.raises(config.ConfigError):
        ready.announce()


def test_a_program_may_open_all_the_files_that_the_system_allows() -> None:
    source = (
        "import resource; from lockgate.kernel import process; n = resource.RLIMIT_NOFILE; "
        "most = resource.getrlimit(n)[1]; resource.setrlimit(n, (64, most)); process.open_many_files(); "
        "print(resource.getrlimit(n)[0] == most)"
    )
    said = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert said == "True\n"
