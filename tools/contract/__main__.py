"""Renews what is generated from the contract: ``python -m tools.contract [--says SENTENCE]``.

Writes docs/dialect.md. Prints what changed since the recorded contract; with a sentence, records it: the snapshot, and
an entry in docs/api-changes.md that carries the snapshot's digest.
"""

import argparse
import sys
from pathlib import Path

from tools.contract import changelog, dialect, snapshot
from tools.contract.compare import changes
from tools.contract.declared import operations

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = ROOT / "tests" / "contract" / "contract.txt"
CHANGELOG = ROOT / "docs" / "api-changes.md"
DIALECT = ROOT / "docs" / "dialect.md"


def main() -> int:
    """Exit status: 0 if all is recorded, 1 if a sentence is needed."""
    parser = argparse.ArgumentParser(prog="python -m tools.contract", description=__doc__)
    parser.add_argument("--says", default="", help="what changed and why, in a sentence")
    says = parser.parse_args().says
    declared = operations()
    DIALECT.write_text(dialect.text(declared))
    new = snapshot.text(declared)
    old = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    if new == old and changelog.newest(CHANGELOG.read_text()) == snapshot.digest(new):
        sys.stdout.write("The contract is as recorded.\n")
        return 0
    found = changes(old, new)
    sys.stdout.write("".join(f"{change}\n" for change in found))
    if not says:
        sys.stdout.write("Not recorded yet. Record it with: make contract SAYS='what changed and why'\n")
        return 1
    CHANGELOG.write_text(
        changelog.with_entry(CHANGELOG.read_text(), snapshot.digest(new), says=says, changes=found if old else [])
    )
    SNAPSHOT.write_text(new)
    sys.stdout.write(f"Recorded as {snapshot.digest(new)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
