"""Addresses and their countries in one compact file: where each range begins, and the country from there on. Pure.

The file is `LGC1`, the length of a JSON head, the head, and then for IPv4 and IPv6 (its first 64 bits: smaller networks
are not told apart) the distances between starts, byte by byte of equal weight, and one byte for each range's country.
What follows the head is packed by LZMA. Reading it takes some tenths of a second, once; a look-up is one bisection.
"""

import json
import lzma
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import accumulate, pairwise
from typing import Any

_MAGIC = b"LGC1"
_HEAD_BYTES = 4
_BIG_ENDIAN = array("H", [1]).tobytes() == b"\0\1"  # files are written with the smallest byte first


class BadTable(Exception):
    """The file is not what it should be."""


class Ranges:
    """The table in memory. ``edition`` says where it comes from: name, licence, source and date."""

    def __init__(self, edition: Mapping[str, Any], names: Sequence[str], parts: Sequence[tuple[array, bytes]]) -> None:
        self.edition = edition
        self._names = names
        (self._starts4, self._codes4), (self._starts6, self._codes6) = parts

    def country(self, address: IPv4Address | IPv6Address) -> str | None:
        """The country of ``address``, or None where the table has none."""
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped is None:
                return self._names[self._codes6[bisect_right(self._starts6, int(address) >> 64) - 1]] or None
            address = address.ipv4_mapped
        return self._names[self._codes4[bisect_right(self._starts4, int(address)) - 1]] or None


def write(edition: Mapping[str, Any], parts: Sequence[tuple[array, Sequence[str]]]) -> bytes:
    """The file of two parts, IPv4's and IPv6's: starts in order beginning with 0, and the country from each on."""
    names = sorted({code for _, codes in parts for code in codes} | {""})
    head = {**edition, "names": names, "ranges": [len(starts) for starts, _ in parts]}
    place = {name: number for number, name in enumerate(names)}
    body = b""
    for starts, codes in parts:
        assert starts[0] == 0, "a table begins with the first address of all"
        steps = array(starts.typecode, [0, *(after - before for before, after in pairwise(starts))])
        if _BIG_ENDIAN:
            steps.byteswap()
        raw = steps.tobytes()
        body += b"".join(raw[weight :: steps.itemsize] for weight in range(steps.itemsize))
        body += bytes(place[code] for code in codes)
    about = json.dumps(head, separators=(",", ":")).encode()
    packed = lzma.compress(body, preset=9 | lzma.PRESET_EXTREME)
    return _MAGIC + len(about).to_bytes(_HEAD_BYTES, "big") + about + packed


def read(blob: bytes) -> Ranges:
    """The table in ``blob``. Raises BadTable."""
    try:
        if blob[:4] != _MAGIC:
            raise ValueError("another format")
        begin = len(_MAGIC) + _HEAD_BYTES
        end = begin + int.from_bytes(blob[len(_MAGIC) : begin], "big")
        head = json.loads(blob[begin:end])
        names, counts = head.pop("names"), head.pop("ranges")
        body, at = lzma.decompress(blob[end:]), 0
        parts = []
        for typecode, count in zip("IQ", counts, strict=True):
            steps = array(typecode)
            width = steps.itemsize
            raw = bytearray(count * width)
            for weight in range(width):
                raw[weight::width] = body[at : at + count]
                at += count
            steps.frombytes(raw)
            if _BIG_ENDIAN:
                steps.byteswap()
            codes = body[at : at + count]
            at += count
            if not count or steps[0] != 0 or len(codes) != count or max(codes) >= len(names):
                raise ValueError("starts and countries do not fit")
            parts.append((array(typecode, accumulate(steps)), codes))
    except (ValueError, KeyError, TypeError, lzma.LZMAError, OverflowError) as error:
        raise BadTable("this is no table of addresses and countries, or it is damaged") from error
    return Ranges(head, names, parts)
