"""The command line: every command explains itself, and an expected failure is one line that says what to do."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lockgate.cli import main, programs


def lockgate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lockgate.cli.main", *arguments],
        capture_output=True, text=True, timeout=60, cwd="/", env={**os.environ, **environment}, check=False,
    )  # fmt: skip


def test_the_list_of_commands_loads_none_of_them() -> None:
    listed = lockgate("--help")
    assert listed.returncode == 0
    for name, entry in main.COMMANDS.items():
        assert name in listed.stdout
        assert entry.help.split()[0] in listed.stdout


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    explained = lockgate(name, "--help")
    assert explained.returncode == 0, explained.stderr
    assert f"Usage: lockgate {name}" in explained.stdout
    assert "Options" in explained.stdout


def test_an_unknown_command_is_refused() -> None:
    refused = lockgate("serv")
    assert refused.returncode == 2
    assert "No such command" in refused.stderr


@pytest.mark.parametrize("name", ["serve", "worker", "vault", "simulator"])
def test_a_program_without_its_home_says_what_to_do(name: str, tmp_path: Path) -> None:
    refused = lockgate(name, "--home", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == f"lockgate: cannot read {tmp_path}/settings.json: run 'lockgate init' first\n"


def test_the_home_comes_from_the_environment_too(tmp_path: Path) -> None:
    assert str(tmp_path) in lockgate("worker", LOCKGATE_HOME=str(tmp_path)).stderr


def test_init_makes_a_home_once(tmp_path: Path) -> None:
    home = tmp_path / "h"
    made = lockgate("init", "--home", str(home))
    assert made.returncode == 0, made.stderr
    assert (home / "ca" / "ca.pem").exists()
    again = lockgate("init", "--home", str(home))
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1 and "already a Lockgate home" in again.stderr


def test_init_for_production_wants_a_passphrase(tmp_path: Path) -> None:
    refused = lockgate("init", "--home", str(tmp_path / "h"), "--profile", "production")
    assert refused.returncode == 1
    assert "--passphrase-fd" in refused.stderr
    weak = subprocess.run(
        ["bash", "-c", '"$0" -m lockgate.cli.main init --home "$1" --profile production --passphrase-fd 3 3<<<short',
         sys.executable, str(tmp_path / "h")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert weak.returncode == 1
    assert "12 characters" in weak.stderr
    assert not (tmp_path / "h").exists()


def test_production_says_before_anything_starts_that_it_has_no_processor_yet(tmp_path: Path) -> None:
    script = 'exec "$0" -m lockgate.cli.main "$2" --home "$1" $3 --passphrase-fd 3 3<<<"correct horse battery staple"'
    words = ["bash", "-c", script, sys.executable, str(tmp_path / "h")]
    subprocess.run([*words, "init", "--profile production"], check=True, capture_output=True)
    refused = subprocess.run([*words, "up", ""], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "no processor is configured" in refused.stderr and refused.stderr.count("\n") == 1
    assert not (tmp_path / "h" / "pgdata").exists()


@pytest.mark.parametrize("change", [{"profile": "production"}, {"host": "0.0.0.0"}])
def test_plain_http_is_refused_whatever_wrote_the_settings(tmp_path: Path, change: dict[str, str]) -> None:
    home = tmp_path / "h"
    assert lockgate("init", "--home", str(home)).returncode == 0
    settings = json.loads((home / "settings.json").read_text())
    settings["profile"] = change.get("profile", settings["profile"])
    settings["api"] |= {"tls": False, "host": change.get("host", settings["api"]["host"])}
    (home / "settings.json").write_text(json.dumps(settings))
    refused = lockgate("serve", "--home", str(home))
    assert refused.returncode == 1
    assert "plain HTTP" in refused.stderr and refused.stderr.count("\n") == 1


def test_a_programs_process_holds_no_other_programs_code() -> None:
    """The command line is the one module that all programs load."""
    source = "import sys; from lockgate.cli import main, programs; print(sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert "lockgate.cli.programs" in found
    assert "lockgate.vault" not in found
    assert "lockgate.gateway" not in found
    assert "lockgate.simulator" not in found


def test_the_entry_points_exist() -> None:
    for place in programs.ENTRY_POINTS.values():
        module, function = place.split(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_a_place_that_cannot_be_a_home_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    refused = lockgate("init", "--home", str(file / "home"))
    assert refused.returncode == 1
    assert refused.stderr == f"lockgate: cannot use {file}/home: Not a directory. See who owns it and who you are\n"


@pytest.mark.parametrize("name", ["serve", "worker"])
def test_a_program_without_its_database_says_so(name: str, tmp_path: Path) -> None:
    home = tmp_path / "h"
    assert lockgate("init", "--home", str(home)).returncode == 0
    refused = lockgate(name, "--home", str(home))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"lockgate: no PostgreSQL answers at {home}/run/pg: start it first")
    assert refused.stderr.count("\n") == 1
