"""Cursor lists: newest first, by id, with the dialect's limit, starting_after and ending_before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from lockgate.kernel.errors import Refusal, invalid

Row = TypeVar("Row")


class Page(NamedTuple):
    """One page asked for: read one row more than ``limit``, in ``order``, beyond ``cursor``."""

    limit: int
    after: str | None
    before: str | None

    @property
    def backwards(self) -> bool:
        """Whether rows come oldest first from the database and must be turned round."""
        return self.before is not None


def page_of(params: dict[str, Any]) -> Page:
    """Take ``limit``, ``starting_after`` and ``ending_before`` out of ``params``; a page has one beginning only."""
    if "starting_after" in params and "ending_before" in params:
        raise invalid(
            "Only one of starting_after and ending_before may be sent.",
            param="ending_before",
            code="parameters_exclusive",
        )
    return Page(params.pop("limit", 10), params.pop("starting_after", None), params.pop("ending_before", None))


def bounds(created: Mapping[str, int]) -> tuple[int, int]:
    """The first and last second that a ``created`` filter lets through."""
    if "eq" in created:
        return created["eq"], created["eq"]
    first = max(created.get("gte", 0), created.get("gt", -1) + 1)
    last = min(created.get("lte", 1 << 62), created.get("lt", (1 << 62) + 1) - 1)
    return first, last


def no_cursor(kind: str, page: Page) -> Refusal:
    """The page's cursor is no ``kind`` of this principal's: the request is wrong, no page is missing."""
    param, id_ = ("ending_before", page.before) if page.backwards else ("starting_after", page.after)
    return invalid(f"No such {kind}: '{id_}'", param=param, code="resource_missing")


def part(shown: Sequence[Row], page: Page, kind: str, *, id_of: Callable[[Row], str]) -> tuple[list[Row], bool]:
    """The page of a list that is at hand as a whole, in the order it is shown in, and whether there are more beyond."""
    rows = list(shown)
    cursor = page.before if page.backwards else page.after
    if cursor is not None:
        places = {id_of(row): place for place, row in enumerate(rows)}
        if cursor not in places:
            raise no_cursor(kind, page)
        place = places[cursor]
        rows = rows[:place][::-1] if page.backwards else rows[place + 1 :]
    return cut(rows, page)


def cut(rows: Sequence[Row], page: Page) -> tuple[list[Row], bool]:
    """The page's rows, newest first, and whether there are more beyond."""
    kept = list(rows[: page.limit])
    if page.backwards:
        kept.reverse()
    return kept, len(rows) > page.limit


def listing(url: str, data: Sequence[Any], *, has_more: bool) -> dict[str, Any]:
    """The dialect's list object."""
    return {"object": "list", "url": url, "has_more": has_more, "data": list(data)}
