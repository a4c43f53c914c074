"""The proof of work: what is solved holds, what is changed does not, and the work is bounded and even."""

import hashlib

import pytest

from lockgate.kernel import puzzle


def test_a_solution_holds_for_its_token_its_bits_and_its_parts_alone() -> None:
    solution = puzzle.solve("token.mac", bits=6)
    assert puzzle.token_of(solution) == "token.mac"
    assert puzzle.is_solved(solution, bits=6)
    assert puzzle.is_solved(solution, bits=0)
    assert not puzzle.is_solved(solution, bits=60)
    assert not puzzle.is_solved(solution.replace("token", "tokem"), bits=6)
    assert not puzzle.is_solved(solution, bits=6, parts=puzzle.PARTS - 1)


def test_each_part_counts() -> None:
    solution = puzzle.solve("t", bits=8)
    token, _, given = solution.partition("~")
    numbers = given.split("-")
    for part in range(puzzle.PARTS):
        wrong = [*numbers[:part], "999999999", *numbers[part + 1 :]]
        digest = hashlib.sha256(f"t.{part}.999999999".encode()).digest()
        assert puzzle.is_solved(f"{token}~{'-'.join(wrong)}", bits=8) == (digest[0] == 0)


def _filled(number: str, parts: int = puzzle.PARTS) -> str:
    return f"t~{'-'.join([number] * parts)}"


@pytest.mark.parametrize(
    "given", ["", "t", "t~", "t~1", _filled("1", 17), _filled("-1"), _filled("\u0661"), _filled("1" * 10), "t" * 2_000],
)  # fmt: skip
def test_what_is_no_solution_is_none(given: str) -> None:
    assert not puzzle.is_solved(given, bits=0)


def test_nobody_is_asked_for_more_than_a_telephone_can_do() -> None:
    assert puzzle.PARTS * 2**puzzle.MAX_BITS <= 131_072
    with pytest.raises(ValueError, match="more work"):
        puzzle.solve("t", bits=puzzle.MAX_BITS + 1)
