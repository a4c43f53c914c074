"""A whole Lockgate, started as a user would start it, in a home of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_S = 120


@dataclass
class Running:
    """One started Lockgate. ``ready`` is the ready file's content; ``refresh()`` reads it again after a restart."""

    home: Path
    ready_file: Path
    process: "subprocess.Popen[bytes]"
    log: Path
    ready: dict[str, Any] = field(default_factory=dict)
    lockgate: tuple[str, ...] = ()
    """The command that started it."""

    def __getitem__(self, name: str) -> Any:
        return self.ready[name]

    def refresh(self) -> dict[str, Any]:
        self.ready = json.loads(self.ready_file.read_text())
        return self.ready

    def secrets(self, program: str) -> dict[str, Any]:
        return json.loads((self.home / "secrets" / f"{program}.json").read_text())

    def settings(self) -> dict[str, Any]:
        return json.loads((self.home / "settings.json").read_text())

    def kill(self, program: str) -> int:
        """SIGKILL one program; returns the pid that died."""
        pid = int(self.refresh()["pids"][program])
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, program: str, old: int, *, within_s: float = 30) -> None:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if int(self.refresh()["pids"].get(program, old)) != old:
                return
            time.sleep(0.05)
        raise AssertionError(f"{program} was not restarted within {within_s} s\n{self.tail()}")

    def command(self, *words: str, check: bool = True, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run ``lockgate <words> --home ...`` against this home."""
        done = subprocess.run(
            [*(self.lockgate or lockgate_command()), *words, "--home", str(self.home)],
            capture_output=True, text=True, timeout=120, check=False, **options,
        )
        if check and done.returncode:
            raise AssertionError(f"lockgate {' '.join(words)} failed: {done.stdout}\n{done.stderr}")
        return done

    def tail(self, lines: int = 60) -> str:
        parts = [self.log.read_text(errors="replace")[-6000:]]
        for file in sorted((self.home / "logs").glob("*.log")):
            parts.append(f"--- {file.name}\n" + "\n".join(file.read_text(errors="replace").splitlines()[-lines:]))
        return "\n".join(parts)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        return self.process.returncode


def lockgate_command() -> list[str]:
    """The installed command of the interpreter that runs the tests."""
    return [str(Path(sys.executable).parent / "lockgate")]


def start_lockgate(
    directory: Path | None = None,
    *,
    options: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    command: tuple[str, ...] = (),
) -> Running:
    """Start ``lockgate up`` and wait until its ready file is there. ``command`` is another ``lockgate`` than ours."""
    directory = directory or Path(tempfile.mkdtemp(prefix="lockgate-", dir="/tmp"))
    directory.chmod(0o755)
    home, ready_file, log = directory / "home", directory / "ready.json", directory / "up.log"
    ready_file.unlink(missing_ok=True)
    words = ["up", "--home", str(home), "--listen", "127.0.0.1:0", "--ready-file", str(ready_file), *options]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*(command or lockgate_command()), *words],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **(environment or {})}, start_new_session=True,
        )
    running = Running(home=home, ready_file=ready_file, process=process, log=log, lockgate=command)
    end = time.monotonic() + START_S
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            process.wait(10)
            raise AssertionError(f"lockgate up did not become ready (exit {process.returncode})\n{running.tail()}")
        time.sleep(0.05)
    running.refresh()
    return running


def discard(running: Running) -> None:
    """Stop it and remove its home."""
    running.stop()
    shutil.rmtree(running.ready_file.parent, ignore_errors=True)
