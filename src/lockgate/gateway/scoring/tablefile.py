"""Tables to train on as files: what ``lockgate risk import-history`` writes. Vectors and times, no card and no name."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.model import Unreadable
from lockgate.gateway.scoring.core.table import Table

_COLUMNS = ("rows", "at_ms", "known_ms", "card")


def write(path: Path, table: Table) -> None:
    """Write ``table``; an existing file is replaced."""
    with path.open("wb") as file:
        np.savez_compressed(
            file, version=np.array(features.VERSION), **{name: getattr(table, name) for name in _COLUMNS}
        )


def read(path: Path) -> Table:
    """The table in a file. Raises Unreadable where it is none, or one for other features."""
    try:
        with np.load(path, allow_pickle=False) as found:
            if int(found["version"]) != features.VERSION:
                raise Unreadable("the table was made for other features: import the history again")
            return Table(*(found[name] for name in _COLUMNS))
    except (ValueError, KeyError, BadZipFile, EOFError, AssertionError) as error:
        raise Unreadable("the file is no table of payments: 'lockgate risk import-history' makes one") from error
