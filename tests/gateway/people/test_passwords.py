"""How passwords are hashed: with which parameters, apart from the loop, behind a queue; and the list of stolen ones."""

import asyncio
import hashlib
import re
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from lockgate.gateway.people.breached import Breached
from lockgate.gateway.people.passwords import Passwords
from lockgate.kernel.config import ConfigError
from lockgate.kernel.errors import Kind, Refusal
from tests.gateway.people.desk import ANOTHER, CHEAP, PASSWORD


async def test_the_stored_hash_names_parameters_that_are_strong_enough():
    stored = await Passwords(b"p" * 32).hash(PASSWORD)
    match = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)", stored)
    assert match is not None
    assert int(match[1]) >= 64 * 1024 and int(match[2]) >= 2 and int(match[3]) >= 1
    assert len(match[4]) >= 22  # 16 bytes of salt


async def test_a_password_matches_exactly_or_not_at_all():
    passwords = Passwords(b"p" * 32, with_=CHEAP)
    for password in (PASSWORD, "x" * 255 + "y", "A\u030aoe needs 12 characters", "trailing space is kept "):
        stored = await passwords.hash(password)
        assert await passwords.matches(stored, password)
        near = (f"{password} ", password.strip(), password.upper(), password[:72], "\u00c5oe needs 12 characters")
        for other in near:
            assert await passwords.matches(stored, other) == (other == password)


async def test_a_stolen_table_cannot_be_guessed_at_without_the_pepper():
    stored = await Passwords(b"p" * 32, with_=CHEAP).hash(PASSWORD)
    assert not await Passwords(b"q" * 32, with_=CHEAP).matches(stored, PASSWORD)
    assert await Passwords(b"p" * 32, with_=CHEAP).hash(PASSWORD) != stored


async def test_nobodys_hash_costs_the_same_and_matches_nothing():
    passwords = Passwords(b"p" * 32, with_=CHEAP)
    assert not await passwords.matches(None, "nobody's password")
    assert not await passwords.matches("not a hash", PASSWORD)
    assert passwords.checked == 2


async def test_older_parameters_are_noticed():
    passwords = Passwords(b"p" * 32)
    older = await Passwords(b"p" * 32, with_=PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)).hash("x")
    assert passwords.is_old(older) and not passwords.is_old(await passwords.hash("x"))
    assert await passwords.matches(older, "x")


async def test_the_loop_goes_on_while_passwords_are_hashed_and_the_queue_is_bounded():
    passwords = Passwords(b"p" * 32, most_waiting=3)
    beats = 0

    async def hash_() -> bool:
        try:
            async with passwords.place():
                await passwords.hash(PASSWORD)
                return True
        except Refusal as refusal:
            assert refusal.kind is Kind.UNAVAILABLE and refusal.retry_after_s
            return False

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    beating = asyncio.create_task(beat())
    done = await asyncio.gather(*(hash_() for _ in range(8)))
    beating.cancel()
    assert done.count(True) == 3 and beats >= 5
    assert await hash_(), "the queue is free again"


def _files(folder: Path, *breached: str) -> None:
    for password in breached:
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        with (folder / digest[:5]).open("a") as file:
            file.write(f"{'0' * 34}A:3\r\n{digest[5:]}:42\r\n{'F' * 35}:0\r\n")


async def test_a_list_in_range_files_is_asked(tmp_path):
    _files(tmp_path, ANOTHER)
    breached = Breached(str(tmp_path))
    assert await breached.knows(ANOTHER)
    assert not await breached.knows(PASSWORD)
    padded = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
    (tmp_path / f"{padded[:5]}.txt").write_text(f"{padded[5:]}:0\n")
    assert not await breached.knows(PASSWORD), "a count of 0 is padding"


@pytest.mark.parametrize("lines", [1, 2, 3, 50, 1001])
async def test_a_list_in_one_sorted_file_is_asked(lines, tmp_path):
    words = [f"breached password {number}" for number in range(lines)]
    digests = sorted(hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper() for word in words)
    file = tmp_path / "ordered.txt"
    file.write_text("".join(f"{digest}:{number % 900 + 1}\n" for number, digest in enumerate(digests)))
    breached = Breached(str(file))
    assert all([await breached.knows(word) for word in words[:60]])
    assert not any([await breached.knows(f"other {number}") for number in range(60)])


async def test_a_list_that_was_asked_for_and_cannot_be_read_lets_nothing_through(tmp_path):
    with pytest.raises(ConfigError):
        Breached(str(tmp_path / "absent"))
    folder = tmp_path / "list"
    folder.mkdir()
    digest = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
    (folder / digest[:5]).mkdir()
    with pytest.raises(Refusal) as caught:
        await Breached(str(folder)).knows(PASSWORD)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert not await Breached(None).knows("password")
