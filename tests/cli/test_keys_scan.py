"""``lockgate keys scan``: finds every key by its checksum wherever it stands, and nothing else."""

import io
import os
import random
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.cli import leaks
from lockgate.cli.leaks import Scan
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.core.key_format import KeyKind

ACCOUNT = "acct_1A2b3C4d5E6f7G8h"
WORDS = string.ascii_letters + string.digits


def key(kind: KeyKind = "secret", *, livemode: bool = True, seed: int = 1) -> str:
    drawn = random.Random(seed)
    return key_format.build(
        kind, livemode=livemode, account=ACCOUNT, random="".join(drawn.choices(WORDS, k=key_format.RANDOM_LENGTH))
    )


def command(*words: str, piped: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "lockgate.cli.main", "keys", "scan", *words],
        capture_output=True, timeout=60, check=False, input=piped,
    )


def test_ten_megabytes_of_random_text_hold_no_key() -> None:
    drawn = random.Random(4)
    portions: list[str] = []
    for _ in range(10_000):  # every kilobyte begins like a key, and is none
        start = drawn.choice(("sk_live_", "rk_test_", "ek_live_", "pk_test_"))
        portions.append(f"{start}{''.join(drawn.choices(WORDS, k=55))}\n{''.join(drawn.choices(WORDS + '_ ', k=940))}")
    text = "".join(portions).encode()
    assert len(text) >= 10_000_000
    looking = Scan(publishable=True)
    assert list(looking.stream(io.BytesIO(text), "random")) == []
    assert looking.bytes == len(text)


def test_any_change_of_one_character_is_no_key() -> None:
    text = key()
    changed = [text[:place] + other + text[place + 1 :] for place in range(8, len(text)) for other in ("a", "Z", "0")]
    wrong = [one for one in changed if one != text]
    assert list(Scan().stream(io.BytesIO("\n".join(wrong).encode()), "changed")) == []


@pytest.mark.parametrize("portion", [1, 7, 64, 150, 4096])
def test_a_key_is_found_wherever_portions_end(monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    monkeypatch.setattr(leaks, "PORTION", portion)
    lengths = random.Random(portion)
    lines, expected = [], []
    for number in range(1, 60):
        filler = "x" * lengths.randrange(0, 200)
        if number % 3:
            lines.append(filler)
            continue
        lines.append(f"{filler} {key(seed=number)};")
        expected.append(number)
    found = list(Scan().stream(io.BytesIO("\n".join(lines).encode()), "f"))
    assert [leak.line for leak in found] == expected
    assert all(key(seed=leak.line) not in str(leak) and leak.text.endswith(key(seed=leak.line)[-4:]) for leak in found)


def test_a_key_inside_a_longer_word_is_none_and_one_beside_bytes_is_found() -> None:
    text = key()
    assert list(Scan().stream(io.BytesIO(f"x{text}".encode()), "f")) == []
    assert list(Scan().stream(io.BytesIO(f"{text}x".encode()), "f")) == []
    assert len(list(Scan().stream(io.BytesIO(b"\x00\xff\x80" + text.encode() + b"\x00"), "f"))) == 1
    assert len(list(Scan().stream(io.BytesIO(text.encode()), "f"))) == 1


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "shop"
    (place / "src").mkdir(parents=True)
    (place / "src" / "pay.js").write_text(f"// pay\nconst k = '{key()}'\nconst p = '{key('publishable')}'\n")
    (place / "photo.bin").write_bytes(os.urandom(300_000) + b"\n" + key("restricted", seed=2).encode() + b"\0")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other.txt").write_text(key(seed=3))
    (place / "linked").symlink_to(elsewhere)
    (place / "linked.txt").symlink_to(elsewhere / "other.txt")
    os.mkfifo(place / "pipe")
    yield place


def test_a_folder_is_looked_through_and_no_link_is_followed(folder: Path) -> None:
    looking = Scan()
    found = list(looking.path(folder))
    assert [(Path(leak.place).name, leak.kind, leak.account) for leak in found] == [
        ("photo.bin", "restricted", ACCOUNT), ("pay.js", "secret", ACCOUNT),
    ]
    assert found[1].line == 2 and looking.files == 2 and not looking.unread
    assert [leak.kind for leak in Scan(publishable=True).path(folder / "src" / "pay.js")] == ["secret", "publishable"]


def test_the_command_tells_by_its_exit_code(folder: Path, tmp_path: Path) -> None:
    done = command(str(folder))
    assert done.returncode == 1 and b"pay.js:2: sk_live_*" in done.stdout
    assert key().encode() not in done.stdout + done.stderr
    clean = tmp_path / "clean"
    clean.mkdir()
    (clean / "a.txt").write_text("nothing here")
    assert command(str(clean)).returncode == 0
    done = command("-", piped=f"commit 1\n+{key()}\n".encode())
    assert done.returncode == 1 and done.stdout.startswith(b"-:2: sk_live_")
    assert command(str(tmp_path / "absent")).returncode == 1


def test_memory_stays_bounded_on_a_long_line(tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    with file.open("wb") as out:
        for _ in range(200):
            out.write(b"a" * (1 << 20))
        out.write(b" " + key().encode())
    script = (
        "import resource,sys\nfrom pathlib import Path\nfrom lockgate.cli.leaks import Scan\n"
        "s=Scan()\nbefore=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "n=len(list(s.path(Path(sys.argv[1]))))\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss-before)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True)
    found, grown_kb = map(int, done.stdout.split())
    assert found == 1 and grown_kb < 40_000
