"""The journal keeps what it acknowledged, shares its fsyncs, and refuses to start on a damaged past."""

import asyncio
import os
from pathlib import Path

import pytest

from lockgate.simulator import journal as module
from lockgate.simulator.journal import JournalDamaged, JournalFailed, open_journal


async def test_entries_come_back_in_order_after_a_restart(tmp_path: Path):
    file = tmp_path / "deep" / "journal.jsonl"
    journal = open_journal(file, lambda _: None)
    for number in range(5):
        await journal.durable(journal.append({"n": number}))
    assert journal.entry(3) == {"n": 2, "seq": 3}
    await journal.close()
    seen: list[dict] = []
    journal = open_journal(file, seen.append)
    assert [entry["n"] for entry in seen] == [0, 1, 2, 3, 4]
    assert journal.append({"n": 5}) == 6
    assert [entry["n"] for entry in journal.after(3, 10)] == [3, 4, 5]
    await journal.close()
    assert oct(file.stat().st_mode & 0o777) == "0o600"


async def test_nothing_is_durable_before_its_fsync_and_many_entries_share_one(tmp_path: Path, monkeypatch):
    syncs: list[int] = []
    real = os.fdatasync

    def counted(fd: int) -> None:
        syncs.append(os.fstat(fd).st_size)
        real(fd)

    monkeypatch.setattr(module.os, "fdatasync", counted)
    journal = open_journal(tmp_path / "journal.jsonl", lambda _: None)
    total = 2000

    async def one(number: int) -> None:
        seq = journal.append({"n": number})
        await journal.durable(seq)
        end = journal._offsets[seq] if seq < journal.last_seq else journal._end
        assert syncs[-1] >= end, "acknowledged before it was on disk"

    await asyncio.gather(*(one(number) for number in range(total)))
    assert 1 <= len(syncs) < total / 10
    await journal.close()


async def test_a_torn_last_line_is_cut_off(tmp_path: Path):
    file = tmp_path / "journal.jsonl"
    journal = open_journal(file, lambda _: None)
    await journal.durable(journal.append({"n": 1}))
    await journal.close()
    with file.open("ab") as torn:
        torn.write(b'{"n":2,"se')
    seen: list[dict] = []
    journal = open_journal(file, seen.append)
    assert [entry["n"] for entry in seen] == [1]
    await journal.durable(journal.append({"n": 3}))
    await journal.close()
    assert file.read_bytes() == b'{"n":1,"seq":1}\n{"n":3,"seq":2}\n'


@pytest.mark.parametrize("damage", [b"nonsense\n", b'{"n":1,"seq":7}\n', b"[]\n", b"\x00\x00\n"])
async def test_a_damaged_line_stops_the_start(tmp_path: Path, damage: bytes):
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b'{"n":0,"seq":1}\n' + damage + b'{"n":2,"seq":3}\n')
    with pytest.raises(JournalDamaged, match="entry 2"):
        open_journal(file, lambda _: None)


async def test_one_writer_at_a_time(tmp_path: Path):
    file = tmp_path / "journal.jsonl"
    journal = open_journal(file, lambda _: None)
    with pytest.raises(JournalDamaged, match="in use"):
        open_journal(file, lambda _: None)
    await journal.close()


async def test_when_the_disk_refuses_nothing_more_is_acknowledged(tmp_path: Path, monkeypatch):
    journal = open_journal(tmp_path / "journal.jsonl", lambda _: None)
    await journal.durable(journal.append({"n": 1}))

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fdatasync", full)
    with pytest.raises(JournalFailed):
        await journal.durable(journal.append({"n": 2}))
    await asyncio.wait_for(journal.failed(), 5)
    with pytest.raises(JournalFailed):
        journal.append({"n": 3})
    await journal.close()
