"""Exports are checked without us, by our own code and by the little verifier that knows nothing of it."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.audit import prove
from lockgate.gateway.audit.core import exported, lines
from lockgate.gateway.audit.core.leaf import COLUMNS, Seal
from lockgate.gateway.audit.export import Exported, Filters, bring_up_to_date, export
from lockgate.gateway.audit.find_seals import checkpoint
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel import notes
from tests.gateway.audit.room import ACCOUNT, ORIGIN, Room, told

VERIFIER = Path(__file__).resolve().parents[3] / "tools" / "verify_audit.py"


async def written(room: Room, filters: Filters = Filters(), *, form: Literal["jsonl", "csv"] = "jsonl") -> bytes:  # noqa: B008
    pieces = [piece async for piece in export(room.ports, room.house.admin, filters, form=form)]
    assert isinstance(pieces[-1], Exported)
    return "".join(piece for piece in pieces if isinstance(piece, str)).encode()


def faults(raw: bytes, **options: Any) -> set[str]:
    return {fault.kind for fault in exported.check(raw.splitlines(keepends=True), **options).faults}


def alone(file: Path, raw: bytes, *words: str) -> "subprocess.CompletedProcess[str]":
    """The stand-alone verifier in a Python of its own, which sees none of our code."""
    file.write_bytes(raw)
    return subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(file), *words], capture_output=True, text=True, check=False
    )


async def varied(room: Room) -> tuple[str, list[str]]:
    """A log with several accounts, modes and checkpoints; its key, and the kept notes."""
    kept = []
    for portion in range(3):
        await room.write(4)
        await room.write(2, livemode=True)
        await room.write(3, account="-")
        await room.seal()
        kept.append((await room.sign()).note)
        assert portion >= 0
    return await room.key(), kept


@pytest.mark.parametrize("account", [None, ACCOUNT, "-"])
async def test_a_whole_export_is_sound_and_any_changed_byte_is_found(
    room: Room, tmp_path: Path, account: str | None
) -> None:
    key, kept = await varied(room)
    raw = await written(room, Filters(account=account))
    seen = exported.check(raw.splitlines(keepends=True), key=key, kept=[("kept", note) for note in kept])
    assert seen.faults == [] and seen.checkpoints == 3
    assert seen.records == {None: 27, ACCOUNT: 18, "-": 9}[account]
    if account is not None:
        other = "-" if account == ACCOUNT else ACCOUNT
        assert f'"account":"{other}"' not in raw.decode()
    outside = tmp_path / "kept"
    outside.write_text("".join(json.dumps({"size": 0, "note": note}) + "\n" for note in kept))
    done = alone(tmp_path / "export", raw, "--key", key, "--checkpoint", str(outside))
    assert done.returncode == 0, done.stdout + done.stderr
    for place in range(0, len(raw), 211 if account is None else 997):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert faults(changed, key=key), f"byte {place}"
        if place % 5 == 0:
            assert alone(tmp_path / "changed", changed, "--key", key).returncode == 1, f"byte {place}"


async def test_lines_that_are_edited_dropped_added_swapped_or_cut_off_are_named(room: Room, tmp_path: Path) -> None:
    key, kept = await varied(room)
    rows = (await written(room)).splitlines(keepends=True)
    at = next(number for number, row in enumerate(rows) if b'"seq":12,' in row)
    edited = rows[at].replace(b'payment_intent.capture', b'payment_intent.cancels')
    cases = {
        "edited": [*rows[:at], edited, *rows[at + 1 :]],
        "dropped": rows[:at] + rows[at + 1 :],
        "added": [*rows[: at + 1], *rows[at:]],
        "swapped": [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]],
        "cut": rows[:at],
        "cut line": [*rows[:-1], rows[-1][:-1]],
        "no checkpoint": [row for row in rows if b'"type":"checkpoint"' not in row],
        "no rest": [row for row in rows if b'"type":"rest"' not in row],
        "no end": rows[:-1],
        "nothing": [],
        "no json": [b"{}\n", *rows],
    }
    for name, changed in cases.items():
        found = exported.check(changed, key=key).faults
        assert found, name
        assert alone(tmp_path / "case", b"".join(changed), "--key", key).returncode == 1, name
    [what, _] = exported.check(cases["edited"], key=key).faults
    assert (what.kind, "seal 12" in what.where) == ("edited", True)
    for note in kept:
        forged = [("kept", note.replace(ORIGIN, "lockgate/acct_evil"))]
        assert "signature" in {fault.kind for fault in exported.check(rows, key=key, kept=forged).faults}


async def test_another_key_in_the_file_is_not_the_one_you_know(room: Room, tmp_path: Path) -> None:
    await varied(room)
    raw = await written(room)
    other = notes.verifier(ORIGIN, bytes(32))
    assert "signature" in faults(raw, key=other)
    assert alone(tmp_path / "export", raw, "--key", other).returncode == 1


async def test_a_part_of_the_log_is_tied_to_the_whole(room: Room, tmp_path: Path) -> None:
    key, kept = await varied(room)
    await room.vandal.execute("update audit set created_ms = seq * 1000 from audit_seal where record = id")
    await room.vandal.execute("truncate audit_seal, audit_node, audit_checkpoint, vault.checkpoint")
    await room.seal()
    await room.sign()
    for since, until in ((5, 9), (0, 1), (26, 40), (8, 8), (3, 27)):
        raw = await written(room, Filters(since * 1000, until * 1000))
        seen = exported.check(raw.splitlines(keepends=True), key=key)
        assert seen.faults == [] and seen.records == min(until, 27) - since
        assert alone(tmp_path / "part", raw, "--key", key).returncode == 0
        if seen.records:
            changed = raw.replace(b'"outcome":"done"', b'"outcome":"gone"', 1)
            assert "edited" in faults(changed, key=key)
    raw = await written(room, Filters(10_000, None))
    assert "unproven" in faults(raw, key=key, kept=[("kept", kept[0])])


async def test_proofs_of_inclusion_and_consistency_stand_alone(room: Room, tmp_path: Path) -> None:
    key, _ = await varied(room)
    [row] = await room.write(1)
    assert await prove.inclusion(room.ports.pool, row) is None
    await bring_up_to_date(room.ports)
    read = await room.ports.pool.fetchrow("select * from audit where account = $1 and id = $2", ACCOUNT, row.id)
    row = AuditRow(*read)
    proof = await prove.inclusion(room.ports.pool, row)
    assert proof is not None
    sound = {**proof, "key": key}
    assert alone(tmp_path / "proof", json.dumps(sound).encode()).returncode == 0
    for wrong in (
        {**sound, "encoded": sound["encoded"].replace("capture", "cancel")},
        {**sound, "index": sound["index"] - 1},
        {**sound, "path": sound["path"][:-1]},
        {**sound, "path": [*sound["path"], "00" * 32]},
        {**sound, "checkpoint": sound["checkpoint"].replace("\n28\n", "\n29\n")},
    ):
        assert alone(tmp_path / "proof", json.dumps(wrong).encode()).returncode == 1, wrong
    sizes = [9, 18, 27, 28]
    rows = {size: await checkpoint(room.ports.pool, size=size) for size in sizes}
    for old in sizes:
        for new in (size for size in sizes if size >= old):
            step = {**await prove.consistency(room.ports.pool, rows[old], rows[new]), "key": key}  # type: ignore[arg-type]
            done = alone(tmp_path / "step", json.dumps(step).encode())
            assert done.returncode == 0, (old, new, done.stdout)
            turned = {**step, "path": [*step["path"][1:], "00" * 32]}
            assert alone(tmp_path / "step", json.dumps(turned).encode()).returncode == 1


async def test_a_csv_is_signed_beside_and_holds_the_same(room: Room) -> None:
    key, _ = await varied(room)
    pieces = [piece async for piece in export(room.ports, room.house.admin, Filters(), form="csv")]
    done = pieces[-1]
    assert isinstance(done, Exported) and done.records == 27
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    assert len(list(csv.DictReader(io.StringIO(text, newline="")))) == 27
    assert f"records {done.records}" in notes.opened(done.note, key)
    data = text.encode()
    assert exported.check_csv(data, note=done.note, key=key) == exported.Examined([], 27, 0, key)
    for number in range(0, len(data), 97):
        other = data[:number] + bytes([data[number] ^ 1]) + data[number + 1 :]
        assert exported.check_csv(other, note=done.note, key=key).faults, number
    for other in (data[:-2], data + b"\r\n", b""):
        assert exported.check_csv(other, note=done.note, key=key).faults
    assert exported.check_csv(data, note=None, key=key).faults
    assert exported.check_csv(data, note=done.note.replace("27", "26"), key=key).faults


_SPECIAL = "\r\n\t\x1b\x07\x85\u2028=+-@|%'\",;{}[]\\"
NASTY = st.text(st.characters(codec="utf-8", exclude_characters="\x00") | st.sampled_from(_SPECIAL), max_size=40)


@settings(max_examples=300, deadline=None)
@given(NASTY, NASTY, NASTY, st.dictionaries(NASTY, NASTY, max_size=3))
def test_whatever_a_field_holds_it_stays_one_field_of_one_line(
    object_: str, address: str, request: str, detail: dict[str, str]
) -> None:
    row = told(1)._replace(
        object=object_, address=address, request=request, detail=json.dumps(detail, ensure_ascii=False), tx=1
    )
    seal = Seal(0, row.account, row.livemode, row.id, 1, bytes(32), bytes(32))
    written = lines.sealed(seal, row, retired=False)
    assert written.isascii() and written.isprintable() is False and written.count("\n") == 1 and written[-1] == "\n"
    assert len(written.splitlines()) == 1 and "\x1b" not in written
    columns = json.loads(written)["columns"]
    assert tuple(columns) == COLUMNS
    assert (columns["object"], columns["address"], columns["request"]) == (object_, address, request)
    assert json.loads(columns["detail"]) == detail
    cells = lines.csv_row(seal, row)
    assert len(cells.splitlines()) == 1
    [parsed] = list(csv.reader(io.StringIO(lines.csv_head() + cells, newline="")))[1:]
    assert len(parsed) == len(lines.CSV_HEAD)
    for cell in parsed:
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "|", "%"))
        assert not any(ord(character) < 32 for character in cell)
