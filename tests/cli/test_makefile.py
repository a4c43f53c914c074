"""The Makefile: every target listed, clear words for what is missing, a set-up that works from a fresh copy."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments: str, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=directory, capture_output=True, text=True, check=False
    )


def test_help_is_the_default_and_lists_every_target() -> None:
    listed = make().stdout
    assert listed == make("help").stdout
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    for target in phony.split()[1:]:
        assert f"make {target} " in listed


def test_a_missing_venv_module_is_named_in_one_line(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-build.lock"):
        shutil.copy(ROOT / name, tmp_path)
    bare = tmp_path / "python3"
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    bare.chmod(0o755)
    refused = make("setup", f"PYTHON={bare}", directory=tmp_path)
    assert refused.returncode != 0
    assert "make: python3-venv is missing: apt-get install python3-venv" in refused.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_setup_works_from_a_fresh_copy_and_is_quick_the_second_time(tmp_path: Path) -> None:
    for name in ("src", "Makefile", "pyproject.toml", "README.md", "LICENSE", "NOTICE",
                 "requirements.lock", "requirements-build.lock"):  # fmt: skip
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, tmp_path)
    first = make("setup", directory=tmp_path)
    assert first.returncode == 0, first.stderr
    listed = subprocess.run(
        [tmp_path / ".venv/bin/lockgate", "--help"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert "lockgate" in listed.stdout
    assert "Nothing to be done" in make("setup", directory=tmp_path).stdout
