"""Merkle trees as RFC 6962 and RFC 9162 hash them: growing, proving and checking, without a word about what is kept.

A tree of ``size`` leaves is made of complete subtrees: ``(level, index)`` names the one of ``2**level`` leaves that
begins at leaf ``index * 2**level``.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
Range = tuple[int, int]
Subtree = tuple[int, int]


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: all that is needed to append to it and to say its root."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """``peaks`` are the hashes of ``cover(0, size)``, largest subtree first."""
        if len(peaks) != size.bit_count():
            raise ValueError("a tree has one peak for each bit of its size")
        self.size = size
        self.peaks = list(peaks)

    def append(self, hash_: bytes, level: int = 0) -> Iterator[tuple[Subtree, bytes]]:
        """Add a leaf, or a complete subtree where one of this level may stand; yields each subtree that it completes.

        The iterator must be used up: the tree grows as it runs.
        """
        if self.size % (1 << level):
            raise ValueError("a subtree of this level cannot begin here")
        place = self.size >> level
        self.size += 1 << level
        yield (level, place), hash_
        while place & 1:
            hash_ = node_hash(self.peaks.pop(), hash_)
            level, place = level + 1, place >> 1
            yield (level, place), hash_
        self.peaks.append(hash_)

    def add(self, hash_: bytes, level: int = 0) -> None:
        """``append`` for whoever does not keep the subtrees."""
        for _ in self.append(hash_, level):
            pass

    def root(self) -> bytes:
        return fold(self.peaks) if self.peaks else EMPTY_ROOT


def fold(peaks: Sequence[bytes]) -> bytes:
    """The hash over neighbouring subtrees that grow smaller from left to right."""
    hash_ = peaks[-1]
    for peak in reversed(peaks[:-1]):
        hash_ = node_hash(peak, hash_)
    return hash_


def cover(start: int, end: int) -> list[Subtree]:
    """The fewest complete subtrees that make up the leaves from ``start`` up to ``end``, from left to right."""
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        found.append((level, start >> level))
        start += 1 << level
    return found


def inclusion(index: int, size: int) -> list[Range]:
    """The ranges whose hashes are the inclusion proof of leaf ``index``, in the RFC's order."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    path: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Range]:
    """The ranges whose hashes prove that the tree of ``old`` leaves is the beginning of the one of ``new``."""
    if not 0 < old <= new:
        raise ValueError("a consistency proof leads from a tree with leaves to one that is no smaller")
    path: list[Range] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    if not whole:
        path.append((start, end))
    return path[::-1]


def includes(leaf: bytes, index: int, *, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` shows ``leaf`` at ``index`` of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, hash_ = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            hash_ = node_hash(sibling, hash_)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            hash_ = node_hash(hash_, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hmac.compare_digest(hash_, root)


def extends(old: int, old_root: bytes, *, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows the old tree to be the beginning of the new one (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not proof and hmac.compare_digest(old_root, new_root)
    if not 0 < old < new:
        return old == 0 < new and not proof
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hmac.compare_digest(was, old_root) and hmac.compare_digest(now, new_root)


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
