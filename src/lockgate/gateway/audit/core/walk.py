"""Walks along seals and says what is not as it was sealed, and where; the same for a database and for an export."""

import hmac
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lockgate.gateway.audit.core.faults import Fault
from lockgate.gateway.audit.core.leaf import NO_CHAIN, Seal, linked
from lockgate.kernel.merkle import Frontier, Subtree, cover


class Mark(NamedTuple):
    """What the log was signed to be at one size, and who says so."""

    size: int
    root: bytes
    chain: bytes | None
    name: str


class Walk:
    """One way through the log. ``step`` takes each seal in turn; ``end`` says what should still have come."""

    def __init__(
        self, marks: Iterable[Mark] = (), *, start: int = 0, chain: bytes = NO_CHAIN, peaks: Sequence[bytes] = ()
    ) -> None:
        self.faults: list[Fault] = []
        self.frontier = Frontier(start, peaks)
        self.seals = 0
        self._chain: bytes | None = chain
        self._tx = 0
        self._torn = False
        self._good = start
        self._marks: dict[int, list[Mark]] = {}
        for mark in marks:
            self._marks.setdefault(mark.size, []).append(mark)
        self._hold()

    @property
    def next(self) -> int:
        return self.frontier.size

    def step(self, seal: Seal) -> list[tuple[Subtree, bytes]]:
        """Take the next seal; the subtrees that it completes."""
        if seal.seq != self.next:
            self._gap(seal.seq)
        if self._chain is not None and linked(self._chain, seal) != seal.chain:
            self._say("chain", f"seal {seal.seq}", f"it does not follow from the one before it ({seal.record})")
        if seal.tx < self._tx:
            self._say("reordered", f"seal {seal.seq}", f"{seal.record} was committed earlier than the one before it")
        self._chain, self._tx = seal.chain, seal.tx
        self.seals += 1
        completed = list(self.frontier.append(seal.leaf))
        self._hold()
        return completed

    def skip(self, seq: int, leaf: bytes) -> None:
        """Take the next seal of which nothing but the leaf is known: the chain cannot be followed over it."""
        if seq != self.next:
            self._gap(seq)
        self._chain = None
        self.frontier.add(leaf)
        self._hold()

    def complete(self, size: int, hashes: Sequence[bytes]) -> None:
        """Take all that comes after the last seal, up to ``size``, as the hashes of its subtrees."""
        places = cover(self.next, size)
        if len(places) != len(hashes):
            raise ValueError("not as many hashes as there are subtrees")
        if self.next == size:
            return
        self._chain = None
        for (level, _), hash_ in zip(places, hashes, strict=True):
            self.frontier.add(hash_, level)
        self._hold()

    def record(self, seal: Seal, leaf: bytes | None, *, excused: bool = False) -> None:
        """Hold a record's leaf, computed anew, against its seal; None: there is no record any more."""
        where = f"{seal.record} (seal {seal.seq}, {seal.account})"
        if leaf is None:
            if not excused:
                self._say("deleted", where, "the record is sealed and no longer there")
        elif not hmac.compare_digest(leaf, seal.leaf):
            self._say("edited", where, "the record is not what was sealed")

    def end(self) -> list[Fault]:
        """All that was found, once there are no more seals."""
        for size in sorted(size for size in self._marks if size > self.next):
            for mark in self._marks[size]:
                self._say("truncated", mark.name, f"it is over {size} records, and only {self.next} are sealed here")
        return self.faults

    def _gap(self, found: int) -> None:
        if found > self.next:
            last = "" if found == self.next + 1 else f" to {found - 1}"
            self._say("deleted", f"seal {self.next}{last}", "the seal is missing")
        else:
            self._say("reordered", f"seal {found}", f"it stands where number {self.next} belongs")
        self._torn = True  # the tree cannot be rebuilt over a gap: from here on the chain alone is followed
        self.frontier = Frontier(found, [bytes(32)] * found.bit_count())

    def _hold(self) -> None:
        for mark in self._marks.get(self.next, ()):
            if self._torn:
                self._say("tree", mark.name, "it cannot be recomputed: seals below it are missing")
            elif not hmac.compare_digest(self.frontier.root(), mark.root):
                what = f"its root is not the one over the seals: something from seal {self._good} on was sealed anew"
                self._say("tree", mark.name, what)
            elif None not in (mark.chain, self._chain) and mark.chain != self._chain:
                self._say("chain", mark.name, "its chain is not the one of the seals")
            else:
                self._good = self.next

    def _say(self, kind: str, where: str, what: str) -> None:
        self.faults.append(Fault(kind, where, what))
