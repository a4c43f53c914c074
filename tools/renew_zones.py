"""Renews the shipped table of time zones by country from the tz database (public domain).

    python tools/renew_zones.py /usr/share/zoneinfo

Reads zone.tab, zone1970.tab and the links of tzdata.zi, since browsers still say Asia/Calcutta.
"""

import sys
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/lockgate/gateway/geography/data/time_zones.txt"


def main(folder: Path) -> None:
    """Write ``CC zone zone ...`` for every country."""
    zones: dict[str, set[str]] = defaultdict(set)
    own: dict[str, set[str]] = defaultdict(set)  # by zone.tab alone: a zone of exactly one country
    for name in ("zone1970.tab", "zone.tab"):
        for line in (folder / name).read_text("ascii" if name == "zone.tab" else "utf-8").splitlines():
            if line and not line.startswith("#"):
                countries, _, zone = line.split("\t")[:3]
                for country in countries.split(","):
                    zones[country].add(zone)
                    if name == "zone.tab":
                        own[zone].add(country)
    database = (folder / "tzdata.zi").read_text("ascii").splitlines()
    links = {name: target for kind, target, name in (line.split()[:3] for line in database if line.startswith("L "))}
    for name, target in links.items():
        if name in own:
            continue  # a link that zone.tab gives to a country itself: Europe/Oslo is Norway's, not all of Berlin's
        zone = target
        while zone not in own and zone in links:
            zone = links[zone]
        for its in zones.values():
            if zone in its:
                its.add(name)
    kept = {country: [zone for zone in its if "/" in zone] for country, its in zones.items()}
    TARGET.write_text("".join(f"{country} {' '.join(sorted(its))}\n" for country, its in sorted(kept.items())))
    sys.stdout.write(f"{TARGET}: {len(kept)} countries, tz database {database[0].removeprefix('# version ')}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
