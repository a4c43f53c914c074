"""Edited copies of the source tree, each run by an interpreter of its own: one protection broken from outside."""

import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.running import Running, discard, start_lockgate

SOURCE = Path(__file__).parents[2] / "src" / "lockgate"


@contextmanager
def broken_copy(file: str, sound: str, broken: str) -> Iterator[Running]:
    """A whole Lockgate started from a copy in which ``sound`` stands replaced by ``broken`` in ``file``."""
    directory = Path(tempfile.mkdtemp(prefix="lockgate-broken-", dir="/tmp"))
    try:
        directory.chmod(0o755)
        shutil.copytree(SOURCE, directory / "src" / "lockgate", ignore=shutil.ignore_patterns("__pycache__"))
        edited = directory / "src" / "lockgate" / file
        text = edited.read_text()
        assert text.count(sound) == 1, f"{file} has changed: say anew how to break it"
        edited.write_text(text.replace(sound, broken))
        place = directory / "running"
        place.mkdir()
        running = start_lockgate(
            place, command=interpreter(directory), options=("--allow-private-webhooks",)
        )
        try:
            yield running
        finally:
            discard(running)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def interpreter(directory: Path) -> tuple[str, ...]:
    """The command ``lockgate`` of a virtual environment that finds the copy first, and its dependencies in ours.

    Programs run isolated (``-I``), so no variable could point them to the copy.
    """
    environment = directory / "venv"
    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (environment / "bin").mkdir()
    python = environment / "bin" / "python"
    python.symlink_to(os.path.realpath(sys.executable))
    (environment / "pyvenv.cfg").write_text(f"home = {Path(os.path.realpath(sys.executable)).parent}\n")
    (packages / "copy.pth").write_text(f"{directory / 'src'}\n{sysconfig.get_paths()['purelib']}\n")
    return str(python), "-I", "-m", "lockgate.cli.main"
