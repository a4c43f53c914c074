"""Everything that the reference tables say, as one value: what is shipped, and what was imported over it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from lockgate.gateway.geography.core.bins import Bins
from lockgate.gateway.geography.core.rates import Rates
from lockgate.gateway.geography.core.tables import Edition
from lockgate.gateway.geography.core.zones import Zones


@dataclass(frozen=True, slots=True)
class Known:
    """The tables as one payment sees them; ``editions`` names the version and date of each by its name."""

    bins: Bins
    rates: Rates
    domains: frozenset[str]
    zones: Zones
    editions: Mapping[str, Edition]
