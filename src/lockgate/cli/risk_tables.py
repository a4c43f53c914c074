"""``lockgate risk tables``: card ranges, exchange rates and throw-away domains, imported over what is shipped."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli.keys import at_desk
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.geography import find, shipped
from lockgate.gateway.geography.core.tables import BadLine, Table
from lockgate.gateway.geography.find import TableRow
from lockgate.gateway.geography.import_table import READERS, import_table
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.principal import Principal

MAX_BYTES = 200_000_000
_PLATFORM = "-"

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.command("import")
def import_command(
    table: Annotated[str, typer.Argument(help=f"{', '.join(READERS)}.")],
    file: Annotated[Path, typer.Argument(help="A CSV file (for domains: one on each line).")],
    *,
    day: Annotated[str, typer.Option("--date", help="The data's own day, 2026-06-25; by default what it says.")] = "",
    source: Annotated[str, typer.Option(help="Where it comes from; by default the file's name.")] = "",
    licence: Annotated[str, typer.Option(help="Under which licence you have it.")] = "the operator's own",
    check: Annotated[bool, typer.Option("--check", help="Only read the file and say what is in it.")] = False,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Import a table. All of it is checked first; running programs use it about a second later."""
    read = _read(table, file, day)
    dated = read.date or ""
    if not _is_day(dated):
        raise ConfigError("the file names no day, or one to come: give the data's own with --date, as in 2026-06-25")
    if check:
        print(f"{table}: {len(read.rows)} rows of {dated}; nothing was imported")
        return

    async def work(desk: Desk) -> TableRow:
        by = Principal(_PLATFORM, False, "internal", "cli")
        async with desk.pool.acquire() as connection, connection.transaction():
            return await import_table(
                connection, by, read, date=dated, source=(source or file.name)[:500], licence=licence[:500]
            )

    row = at_desk(Home(home.resolve()), work)
    print(f"{row.name} version {row.version}: {row.row_count} rows of {row.date}")


@app.command("list")
def list_command(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Show which tables are in force, and the versions before."""

    async def work(desk: Desk) -> list[TableRow]:
        return await find.history(desk.pool)

    rows = at_desk(Home(home.resolve()), work)
    imported = {row.name for row in rows}
    newest: set[str] = set()
    for row in rows:
        state = "in force" if row.name not in newest else "before"
        newest.add(row.name)
        print(f"{row.name}  version {row.version}  {row.date}  {row.row_count} rows  {state}  {row.source}"
              f"  ({row.licence})  by {row.imported_by}")  # fmt: skip
    for edition in shipped.known().editions.values():
        state = "in force" if edition.name not in imported else "shipped"
        print(f"{edition.name}  shipped  {edition.date}  {edition.rows} rows  {state}  {edition.source}"
              f"  ({edition.licence})")  # fmt: skip
    ranges = shipped.country_ranges().edition
    print(f"countries  shipped  {ranges['date']}  {ranges['source']}  ({ranges['licence']})")


def _read(table: str, file: Path, day: str) -> Table:
    """The table in ``file``, checked; one clear line says what cannot be taken."""
    if table not in READERS:
        raise ConfigError(f"a table is one of {', '.join(READERS)}")
    if file.stat().st_size > MAX_BYTES:
        raise ConfigError(f"a table's file has at most {MAX_BYTES // 1_000_000} MB")
    try:
        found = READERS[table](file.read_text("utf-8-sig").splitlines())
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not in UTF-8") from error
    except BadLine as error:
        raise ConfigError(f"{file.name}, {error}") from error
    return Table(found.name, day or found.date, found.rows)


def _is_day(day: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day, re.ASCII):
        return False
    try:
        return date.fromisoformat(day) <= datetime.fromtimestamp(clock.now(), UTC).date()
    except ValueError:
        return False
