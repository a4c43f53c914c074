"""Puzzles: whose they are, for what, until when; used once, by the request that brings them."""

import asyncio

import pytest

from lockgate.gateway.risk.core.puzzle import Puzzle, refusal, solved, token
from lockgate.gateway.risk.store_puzzles import clear_used, use
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import puzzle
from lockgate.kernel.errors import Kind
from tests.gateway.customers.desk import pool_as
from tests.support.cluster import Database

KEY = b"k" * 32
ASKED = Puzzle("acct_1", True, "pi_1", "id_1", 2, 1_000)


def test_a_solution_says_what_was_asked() -> None:
    solution = puzzle.solve(token(KEY, ASKED), bits=2)
    assert solved(KEY, solution, now=999) == ASKED


@pytest.mark.parametrize(
    "other", [ASKED._replace(bits=0), ASKED._replace(account="acct_2"), ASKED._replace(about="pi_2")]
)
def test_only_what_we_signed_counts(other: Puzzle) -> None:
    assert solved(KEY, puzzle.solve(token(b"x" * 32, other), bits=2), now=0) is None
    mine, theirs = token(KEY, ASKED), token(KEY, other)
    mixed = f"{theirs.partition('.')[0]}.{mine.partition('.')[2]}"
    assert solved(KEY, puzzle.solve(mixed, bits=2), now=0) is None


def test_a_puzzle_ends() -> None:
    solution = puzzle.solve(token(KEY, ASKED), bits=2)
    assert solved(KEY, solution, now=1_000) is None


@pytest.mark.parametrize("given", ["", ".", "~", "é.mac~1", "a" * 5_000, "a.b~" + "1-" * 15 + "1"])
def test_rubbish_is_no_solution(given: str) -> None:
    assert solved(KEY, given, now=0) is None


def test_unsolved_is_none() -> None:
    hard = ASKED._replace(bits=13)
    assert solved(KEY, puzzle.solve(token(KEY, hard), bits=0), now=0) is None


def test_to_a_person_it_reads_like_any_declined_card() -> None:
    refused = refusal(KEY, ASKED)
    assert (refused.kind, refused.code, refused.message) == (Kind.CARD, "card_declined", "Your card was declined.")
    assert refused.puzzle == {
        "algorithm": "sha-256", "bits": 2, "expires_at": 1_000, "parts": puzzle.PARTS, "token": token(KEY, ASKED),
    }  # fmt: skip


async def test_one_request_uses_a_solution_and_may_use_it_again_for_itself(database: Database) -> None:
    async with pool_as(database, "gateway") as pool:
        await _used_by_one(pool)


async def test_of_many_requests_in_two_processes_at_once_one_uses_it(database: Database) -> None:
    async with pool_as(database, "gateway") as one, pool_as(database, "gateway") as other:
        said = await asyncio.gather(*(use((one, other)[n % 2], ASKED, request=f"req_{n}") for n in range(20)))
    assert said.count(True) == 1


async def _used_by_one(pool: Pool) -> None:
    assert await use(pool, ASKED, request="req_1")
    assert await use(pool, ASKED, request="req_1"), "one request may be judged more than once"
    assert not await use(pool, ASKED, request="req_2")
    assert await use(pool, ASKED._replace(account="acct_2"), request="req_2"), "ids of another account are others"
    assert await use(pool, ASKED._replace(livemode=False), request="req_2")


async def test_used_puzzles_are_forgotten_once_they_would_have_expired(database: Database) -> None:
    async with pool_as(database, "gateway") as pool, pool_as(database, "worker") as worker:
        assert await use(pool, ASKED, request="req_1")
        assert await clear_used(worker, now=1_000, most=10) == 0
        assert await clear_used(worker, now=1_001, most=10) == 1
        assert await use(pool, ASKED, request="req_2")
