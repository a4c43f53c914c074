"""docs/api-changes.md: every recorded contract by its digest, with a sentence, and what changed in words."""

import re
from collections.abc import Sequence

from tools.contract.compare import Change

UNRELEASED = "## Unreleased"
_ENTRY = re.compile(r"^\* `([0-9a-f]{12})` (\S.{15,})$", re.MULTILINE)


def newest(changelog: str) -> str | None:
    """The digest of the newest entry that has a sentence: entries stand newest first."""
    entry = _ENTRY.search(changelog)
    return entry[1] if entry else None


def with_entry(changelog: str, digest: str, *, says: str, changes: Sequence[Change]) -> str:
    """The changelog with a new entry under Unreleased."""
    entry = f"* `{digest}` {says}\n" + "".join(f"  * {change}\n" for change in changes)
    if not _ENTRY.match(entry):
        raise ValueError("say in a sentence of at least sixteen characters what changed and why")
    head, found, rest = changelog.partition(UNRELEASED)
    if not found:
        raise ValueError(f"docs/api-changes.md has no heading '{UNRELEASED}'")
    return f"{head}{found}\n\n{entry}\n{rest.lstrip()}"
