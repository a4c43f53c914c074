"""The Merkle tree beside a naive model, the vectors of RFC 6962's own implementations, and proofs that were touched."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.kernel import merkle

# The leaves and roots that the implementations of RFC 6962 test themselves with.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def naive(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]


def grown(leaves: Sequence[bytes]) -> merkle.Frontier:
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier


@pytest.mark.parametrize("count", range(1, 9))
def test_known_roots(count: int) -> None:
    assert grown([merkle.leaf_hash(leaf) for leaf in LEAVES[:count]]).root().hex() == ROOTS[count - 1]


def test_every_small_tree_proves_every_leaf_and_every_beginning() -> None:
    for size in range(1, 34):
        leaves = hashes(size)
        root = grown(leaves).root()
        assert root == naive(leaves)
        for index in range(size):
            proof = [naive(leaves[slice(*part)]) for part in merkle.inclusion(index, size)]
            assert merkle.includes(leaves[index], index, size=size, proof=proof, root=root)
            for other in range(size):
                assert (other == index) == merkle.includes(leaves[index], other, size=size, proof=proof, root=root)
        for old in range(1, size + 1):
            proof = [naive(leaves[slice(*part)]) for part in merkle.consistency(old, size)]
            assert merkle.extends(old, naive(leaves[:old]), new=size, new_root=root, proof=proof)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 400), st.data())
def test_a_touched_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    root = naive(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = [naive(leaves[slice(*part)]) for part in merkle.inclusion(index, size)]
    assert merkle.includes(leaves[index], index, size=size, proof=proof, root=root)
    old = data.draw(st.integers(1, size))
    steps = [naive(leaves[slice(*part)]) for part in merkle.consistency(old, size)]
    was = naive(leaves[:old])
    assert merkle.extends(old, was, new=size, new_root=root, proof=steps)
    for good, check in (
        (proof, lambda p: merkle.includes(leaves[index], index, size=size, proof=p, root=root)),
        (steps, lambda p: merkle.extends(old, was, new=size, new_root=root, proof=p)),
    ):
        assert not check([*good, leaves[0]])
        if good:
            place = data.draw(st.integers(0, len(good) - 1))
            assert not check(good[:place] + good[place + 1 :])
            flipped = bytes([good[place][0] ^ 1]) + good[place][1:]
            assert not check([*good[:place], flipped, *good[place + 1 :]])
    wrong = bytes([was[0] ^ 1]) + was[1:]
    assert not merkle.extends(old, wrong, new=size, new_root=root, proof=steps)
    if old < size:
        assert not merkle.extends(size, root, new=old, new_root=was, proof=steps)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_what_covers_a_range_rebuilds_the_tree(first: int, second: int) -> None:
    start, end = sorted((first, second))
    size = end + (first * 7) % 40
    leaves = hashes(size)
    for level, index in merkle.cover(start, end):
        assert start <= index << level and (index + 1) << level <= end
    frontier = merkle.Frontier(start, [naive(leaves[i << n : (i + 1) << n]) for n, i in merkle.cover(0, start)])
    for leaf in leaves[start:end]:
        frontier.add(leaf)
    for level, index in merkle.cover(end, size):
        frontier.add(naive(leaves[index << level : (index + 1) << level]), level)
    assert frontier.root() == naive(leaves)


def test_completed_subtrees_are_told_once_each() -> None:
    leaves, told = hashes(100), {}
    frontier = merkle.Frontier()
    for leaf in leaves:
        for place, hash_ in frontier.append(leaf):
            assert place not in told
            told[place] = hash_
    for (level, index), hash_ in told.items():
        assert hash_ == naive(leaves[index << level : (index + 1) << level])
    assert set(told) == {(n, i) for n in range(7) for i in range(100 >> n)}


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError):
        merkle.Frontier(3, [b"one"])
    with pytest.raises(ValueError):
        merkle.Frontier(1, [bytes(32)]).add(bytes(32), 1)
    for index, size in ((-1, 1), (1, 1), (0, 0)):
        with pytest.raises(ValueError):
            merkle.inclusion(index, size)
        assert not merkle.includes(bytes(32), index, size=size, proof=[], root=bytes(32))
    for old, new in ((0, 1), (2, 1)):
        with pytest.raises(ValueError):
            merkle.consistency(old, new)
