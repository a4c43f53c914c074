"""The worker's bell: our own programs ring it, nobody else does, and a flood of nudges is one look at a time."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lockgate.gateway.storage import poke

NOBODY = 65534


async def rings(heard: list[int], least: int) -> None:
    async with asyncio.timeout(5):
        while len(heard) < least:
            await asyncio.sleep(0.01)


async def test_a_nudge_of_ours_is_heard(tmp_path: Path) -> None:
    heard: list[int] = []
    bell = await poke.listen(tmp_path, lambda: heard.append(1), uids=frozenset())
    nudge = poke.poker(tmp_path)
    for _ in range(5):
        nudge()
    await rings(heard, 5)
    bell.close()
    nudge()
    await asyncio.sleep(0.05)
    assert len(heard) == 5, "after the worker has gone nothing happens, and nothing fails"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("known", [True, False])
async def test_another_user_is_heard_only_if_it_is_one_of_ours(tmp_path: Path, known: bool) -> None:
    heard: list[int] = []
    root = Path(tempfile.gettempdir())
    for folder in (tmp_path, *(one for one in tmp_path.parents if one.is_relative_to(root) and one != root)):
        folder.chmod(0o755)
    uids = frozenset({NOBODY}) if known else frozenset()
    bell = await poke.listen(tmp_path, lambda: heard.append(1), uids=uids)
    (tmp_path / poke.NAME).chmod(0o666)  # say that the directory's mode did not keep others out
    code = f"import os, socket; os.setuid({NOBODY}); s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"
    code += f"; s.sendto(b'', {str(tmp_path / poke.NAME)!r})"
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    poke.poker(tmp_path)()  # and one of ours behind it
    await rings(heard, 1 + known)
    await asyncio.sleep(0.05)
    assert len(heard) == 1 + known
    bell.close()
