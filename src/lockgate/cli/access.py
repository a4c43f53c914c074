"""``lockgate access``: who and what may act for an account, as an auditor asks for it."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.access import find, render
from lockgate.gateway.access.core.holders import due_at
from lockgate.gateway.access.holders import holders
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
_COLUMNS = (
    "kind", "id", "label", "livemode", "roles", "permissions", "strong", "granted_by", "granted_at", "expires_at",
    "last_used_at", "unused_90_days",
)  # fmt: skip
_TIMES = ("granted_at", "expires_at", "last_used_at")


@app.callback()
def access() -> None:
    """Look at who may act for an account."""


@app.command()
def review(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table for a spreadsheet.")] = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show every person, key, app, certificate and role of an account: what it may do, by whom, last used when.

    This changes nothing. Decisions are made in a review, by people: see /v1/access_reviews.
    """
    if as_json and as_csv:
        raise ConfigError("choose one of --json and --csv")
    place = Home(home.resolve())
    now = clock.now()

    async def work(desk: Desk) -> dict[str, Any]:
        who = await operator(desk, place, account, livemode=False)
        due = await find.due(desk.pool, who.account)
        found = await holders(desk.pool, desk.box, who.account, now=now)
        ends = None if due is None else due_at(last_completed=due.last_completed, account_created=due.created)
        return {
            "account": who.account,
            "at": now,
            "last_completed_at": None if due is None else due.last_completed,
            "due_at": ends,
            "overdue": ends is not None and ends <= now,
            "holders": [render.holder(one, now=now) for one in found],
        }

    report = at_desk(place, work)
    if as_json:
        print(json.dumps(report, indent=2))
    elif as_csv:
        print(table(report["holders"]), end="")
    else:
        for one in report["holders"]:
            print(_line(one))
        word = "was due" if report["overdue"] else "is due"
        said = f"{len(report['holders'])} may act for {report['account']}. The next review {word}"
        print(f"{said} {_time(report['due_at'])}")


def table(found: list[dict[str, Any]]) -> str:
    """CSV with a heading. A field that a spreadsheet would take for a formula is quoted as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in found:
        writer.writerow([_cell(name, one[name]) for name in _COLUMNS])
    return out.getvalue()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if name in _TIMES:
        return _time(value)
    if isinstance(value, dict):
        return " ".join(f"{resource}={level}" for resource, level in value.items())
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _line(one: dict[str, Any]) -> str:
    mode = {True: "live", False: "test", None: "both modes"}[one["livemode"]]
    used = "never used" if one["last_used_at"] is None else f"last used {_time(one['last_used_at'])}"
    granted = f"given by {one['granted_by'] or 'unknown'} {_time(one['granted_at'])}"
    what = ", ".join(one["roles"]) or _cell("permissions", one["permissions"]) or "nothing by itself"
    marks = [word for word, is_so in (("STRONG", one["strong"]), ("UNUSED", one["unused_90_days"])) if is_so]
    return "  ".join([one["kind"], one["id"], one["label"], mode, what, granted, used, *marks])


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
