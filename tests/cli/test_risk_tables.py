"""The command that imports reference tables: what it says of a file, and that a bad one never gets further."""

import pytest
from typer.testing import CliRunner

from lockgate.cli.risk_tables import app
from lockgate.kernel.config import ConfigError

BINS = "first,last,country,funding\n457173,457175,DK,debit\n"
RATES = "Date, USD, JPY, \n25 June 2026, 1.1604, 168.32, \n"


def run(tmp_path, table, text, *more, home=True):
    file = tmp_path / "table.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = ["import", table, str(file), *more, *(["--home", str(tmp_path / "nowhere")] if home else [])]
    return CliRunner().invoke(app, given)


def test_a_file_is_only_looked_at_with_check(tmp_path):
    found = run(tmp_path, "bins", BINS, "--date", "2026-06-01", "--check")
    assert found.exit_code == 0 and "bins: 1 rows of 2026-06-01; nothing was imported" in found.stdout
    found = run(tmp_path, "rates", RATES, "--check")
    assert "rates: 3 rows of 2026-06-25" in found.stdout, "the bank's file says its day"
    found = run(tmp_path, "domains", "\ufeffthrowaway.example\n", "--date", "2026-06-01", "--check")
    assert "domains: 1 rows" in found.stdout


@pytest.mark.parametrize(
    ("table", "text", "more", "says"),
    [
        ("ranges", BINS, (), "bins, rates, domains"),
        ("bins", BINS, (), "--date"),
        ("bins", BINS, ("--date", "2026-02-30"), "--date"),
        ("bins", BINS, ("--date", "2999-01-01"), "--date"),
        ("bins", BINS, ("--date", "yesterday"), "--date"),
        ("bins", BINS + "4571,45,DK,\n", ("--date", "2026-06-01"), "table.csv, line 3: "),
        ("rates", "nonsense", (), "line 1: "),
        ("bins", b"\xff\xfe\x00", ("--date", "2026-06-01"), "UTF-8"),
    ],
)
def test_what_cannot_be_taken_is_one_clear_line(tmp_path, table, text, more, says):
    found = run(tmp_path, table, text, *more)
    assert isinstance(found.exception, ConfigError) and says in str(found.exception)


def test_nothing_runs_here(tmp_path):
    found = run(tmp_path, "bins", BINS, "--date", "2026-06-01")
    assert isinstance(found.exception, ConfigError | OSError)
