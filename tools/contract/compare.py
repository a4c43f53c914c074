"""What changed between two contracts, in words; and whether a client that worked may stop working."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Lines = dict[str, dict[str, str]]
_RANGE = re.compile(r"integer from (-?\d+) to (-?\d+)")
_LENGTH = re.compile(r"text of (?:at most )?(?:(\d+) to )?(\d+) characters")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    says: str
    breaking: bool

    def __str__(self) -> str:
        return f"Breaking: {self.says}" if self.breaking else self.says


def changes(old: str, new: str) -> list[Change]:
    """Every difference, breaking ones first."""
    found = list(_changes(_read(old), _read(new)))
    return sorted(found, key=lambda change: not change.breaking)


def _read(contract: str) -> Lines:
    blocks: Lines = {}
    block: dict[str, str] = {}
    for line in contract.splitlines():
        if line.startswith("  "):
            name, _, says = line.strip().partition(": ")
            block[name] = says
        elif line:
            block = blocks.setdefault(line, {})
    return blocks


def _changes(old: Lines, new: Lines) -> Iterator[Change]:
    for block in sorted(old.keys() | new.keys()):
        if block not in new:
            yield Change(f"the {block} is gone", True)
        elif block not in old:
            path = new[block].get("path")
            yield Change(f"new {block}" + (f" ({path})" if path else ""), False)
        else:
            yield from _inside(block, old[block], new[block])


def _inside(block: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Change]:
    where = "" if block == "events" else f"{block}: "
    for name in sorted(old.keys() | new.keys()):
        before, now = old.get(name), new.get(name)
        if before == now:
            continue
        kind = name.partition(" ")[0]
        if kind == "parameter":
            holder = name.rpartition("[")[0]
            asked = not holder or old.get(holder, "refused") != "refused"
            yield Change(f"{where}{name} {_told(before, now)}", asked and _breaks_callers(before, now))
        elif kind == "field":
            yield Change(f"{where}{name} {_told(before, now)}", _breaks_readers(before, now))
        else:
            yield Change(f"{where}{name} {_told(before, now)}", kind in ("path", "answer", "permission") or now is None)


def _told(before: str | None, now: str | None) -> str:
    if before is None:
        return f"is new: {now}"
    if now is None:
        return f"is gone; it was: {before}"
    return f"was: {before}; is: {now}"


def _breaks_callers(before: str | None, now: str | None) -> bool:
    """Whether a request that was right may be refused now."""
    if before is None:
        return now is not None and "required" in now.split("; ")
    was = before.split("; ")
    if was[0] == "refused":
        return False
    if now is None:
        return True
    said = now.split("; ")
    tightened = {"required", "certain values only"} & set(said) - set(was)
    loosened = set(was) - set(said) - {was[0]}
    return bool(tightened) or "an empty value clears it" in loosened or not _takes_all(was[0], said[0])


def _takes_all(before: str, now: str) -> bool:
    """Whether the type ``now`` takes every value that ``before`` took."""
    if before == now:
        return True
    if before.startswith("one of ") and now.startswith("one of "):
        return _options(before) <= _options(now)
    old, new = _RANGE.fullmatch(before), _RANGE.fullmatch(now)
    if old and new:
        return int(new[1]) <= int(old[1]) and int(old[2]) <= int(new[2])
    old, new = _LENGTH.fullmatch(before), _LENGTH.fullmatch(now)
    if old and new:
        return int(new[1] or 1) <= int(old[1] or 1) and int(old[2]) <= int(new[2])
    return now.startswith("text of ") and before.startswith("one of ") and " of the form " not in now


def _breaks_readers(before: str | None, now: str | None) -> bool:
    """Whether a client that read this field may fail now. Clients expect new words of a closed set."""
    if before is None:
        return False
    if now is None:
        return True
    if now.endswith(" or null") and not before.endswith("null"):
        return True
    was, is_ = before.removesuffix(" or null"), now.removesuffix(" or null")
    words = all("one of " in says or says.startswith("always ") for says in (was, is_))
    return not (words or was in ("null", is_) or is_.startswith(f"{was}, expandable to "))


def _options(says: str) -> set[str]:
    return set(says.removeprefix("one of ").split(", "))
