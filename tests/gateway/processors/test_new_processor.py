"""The new-processor generator in a copy of the project: its files pass lint, and the contract test is a checklist."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy = tmp_path / "project"
    without_caches = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "src" / "lockgate" / "kernel", copy / "src/lockgate/kernel", ignore=without_caches)
    processors = "gateway/processors"
    shutil.copytree(ROOT / "src/lockgate" / processors, copy / "src/lockgate" / processors, ignore=without_caches)
    shutil.copytree(ROOT / "tests" / processors, copy / "tests" / processors, ignore=without_caches)
    for package in ("src/lockgate", "src/lockgate/gateway", "tests", "tests/gateway"):
        (copy / package / "__init__.py").touch()
    shutil.copytree(ROOT / "tools", copy / "tools", ignore=without_caches)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = f"{project / 'src'}{os.pathsep}{project}"
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_new_processor_is_found_lints_and_fails_the_contract_point_by_point(project: Path):
    made = run(project, "tools/new_processor.py", "acme_pay")
    assert made.returncode == 0, made.stderr
    adapter = project / "src/lockgate/gateway/processors/acme_pay.py"
    assert "class AcmePay:" in adapter.read_text()
    own_test = "tests/gateway/processors/test_acme_pay.py"
    lint = run(project, "-m", "ruff", "check", "src/lockgate/gateway/processors", own_test)
    assert lint.returncode == 0, lint.stdout
    contract_test = "tests/gateway/processors/test_contract.py"
    checklist = run(project, *PYTEST, contract_test, "-k", "acme_pay")
    assert checklist.returncode == 1
    for point in (
        "write authorize() as a generator",
        "write reverse() as a generator",
        "write inquire_dispute() as a generator",
        "manifest: name the origins",
        "fee: whole minor units",
        "add transcripts/acme_pay/inquire_*.json",
    ):
        assert point in checklist.stdout, f"{point!r} is not in the checklist"
    transcripts = "tests/gateway/processors/test_transcripts.py"
    others = run(project, *PYTEST, contract_test, transcripts, "-k", "not acme_pay")
    assert others.returncode == 0, others.stdout


def test_it_overwrites_nothing(project: Path):
    assert run(project, "tools/new_processor.py", "acme").returncode == 0
    adapter = project / "src/lockgate/gateway/processors/acme.py"
    adapter.write_text("mine")
    again = run(project, "tools/new_processor.py", "acme")
    assert (again.returncode, adapter.read_text()) == (1, "mine")
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    "name", ["", "Acme", "a-b", "1a", "../x", "contract", "class", "a" * 41, "a__b", "a_", "acme_answers"]
)
def test_names_that_cannot_be_modules_are_refused(project: Path, name: str):
    refused = run(project, "tools/new_processor.py", name)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
