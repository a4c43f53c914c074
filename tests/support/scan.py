"""Looks for marker values (card numbers, CVCs) in files and process memory, in every encoding that might hide them."""

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHUNK = 8 * 2**20
OVERLAP = 256


def encodings(number: str) -> dict[str, bytes]:
    """The byte strings by which ``number`` would betray itself."""
    text = number.encode()
    groups = [number[i : i + 4] for i in range(0, len(number), 4)]
    found = {
        "ascii": text,
        "spaced": " ".join(groups).encode(),
        "dashed": "-".join(groups).encode(),
        "percent": "".join(f"%{ord(c):02X}" for c in number).encode(),
        "percent-lower": "".join(f"%{ord(c):02x}" for c in number).encode(),
        "utf-16-le": number.encode("utf-16-le"),
        "utf-16-be": number.encode("utf-16-be"),
        "hex": text.hex().encode(),
        "HEX": text.hex().upper().encode(),
        "bcd": bytes.fromhex(number + "f" * (len(number) % 2)),
        "reversed": text[::-1],
    }
    for shift in range(3):  # base64 differs at each alignment; the first and last sextets depend on neighbours
        whole = base64.b64encode(b"\x00" * shift + text)
        start = (shift * 8 + 5) // 6
        end = (shift + len(text)) * 8 // 6
        found[f"base64+{shift}"] = whole[start:end]
    return found


def cvc_contexts(cvc: str) -> dict[str, bytes]:
    """A CVC is too short to look for alone: it is looked for beside its name, as programs write it."""
    return {
        "json": f'"cvc":"{cvc}"'.encode(),
        "json-spaced": f'"cvc": "{cvc}"'.encode(),
        "form": f"cvc={cvc}".encode(),
        "form-nested": f"[cvc]={cvc}".encode(),
        "percent-nested": f"%5Bcvc%5D={cvc}".encode(),
        "repr": f"'cvc': '{cvc}'".encode(),
        "msgpack": b"\xa3cvc" + bytes([0xA0 | len(cvc)]) + cvc.encode(),
    }


@dataclass(frozen=True)
class Hit:
    """Where a marker was found; the marker itself is named by its number in the list, never shown."""

    place: str
    marker: int
    encoding: str


def _shared_beginning(patterns: Sequence[bytes]) -> bytes:
    first, last = min(patterns), max(patterns)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=True)) if a != b), len(first))
    return first[:length]


class Scanner:
    """One pass over bytes for all markers at once.

    Markers in one encoding mostly begin alike, so only what they share is searched for, and what follows is looked up.
    """

    def __init__(self, numbers: Iterable[str], cvcs: Iterable[str] = ()) -> None:
        self.patterns: dict[bytes, tuple[int, str]] = {}
        for index, number in enumerate(numbers):
            for name, pattern in encodings(number).items():
                self.patterns[pattern] = (index, name)
        for index, cvc in enumerate(cvcs):
            for name, pattern in cvc_contexts(cvc).items():
                self.patterns[pattern] = (index, f"cvc {name}")
        groups: dict[tuple[str, int, bytes], list[bytes]] = {}
        for pattern, (_, name) in self.patterns.items():
            groups.setdefault((name, len(pattern), pattern[:2]), []).append(pattern)
        self.anchors = [(_shared_beginning(group), length) for (_, length, _), group in groups.items()]

    def in_bytes(self, data: bytes, place: str) -> Iterator[Hit]:
        for anchor, length in self.anchors:
            at = data.find(anchor)
            while at >= 0:
                known = self.patterns.get(data[at : at + length])
                if known is not None:
                    yield Hit(place, *known)
                at = data.find(anchor, at + 1)

    def in_file(self, file: Path) -> Iterator[Hit]:
        try:
            with file.open("rb") as stream:
                tail = b""
                while chunk := stream.read(CHUNK):
                    yield from self.in_bytes(tail + chunk, str(file))
                    yield from self._in_compressed(chunk, str(file))
                    tail = chunk[-OVERLAP:]
        except (FileNotFoundError, OSError):
            return  # a file that went away between listing and reading; sockets cannot be read

    def _in_compressed(self, chunk: bytes, place: str) -> Iterator[Hit]:
        for match in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]", chunk):
            piece = memoryview(chunk)[match.start() : match.start() + 2**20]
            try:
                plain = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(piece, 2**22)  # gzip or zlib
            except zlib.error:
                continue
            yield from self.in_bytes(plain, f"{place} (compressed)")

    def in_tree(self, folder: Path) -> list[Hit]:
        return [hit for file in folder.rglob("*") if file.is_file() for hit in self.in_file(file)]

    def in_memory(self, pid: int) -> list[Hit]:
        """Hits in a process's readable memory; needs root."""
        hits = []
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps:
                span, access, *_ = line.split()
                if not access.startswith("r") or "[v" in line:
                    continue
                start, end = (int(edge, 16) for edge in span.split("-"))
                for offset in range(start, end, CHUNK):
                    try:
                        memory.seek(offset)
                        data = memory.read(min(CHUNK + OVERLAP, end - offset))
                    except (OSError, OverflowError, ValueError):
                        break
                    hits += self.in_bytes(data, f"memory of {pid}")
        return hits
