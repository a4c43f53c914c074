"""The scanner finds what is planted, in every encoding, in files and in a process's memory."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.scan import Scanner, cvc_contexts, encodings

NUMBER = "4000550123456788"


def test_every_encoding_is_found(tmp_path: Path) -> None:
    scanner = Scanner([NUMBER], ["8317"])
    for name, pattern in {**encodings(NUMBER), **cvc_contexts("8317")}.items():
        file = tmp_path / "plant"
        file.write_bytes(os.urandom(1000) + pattern + os.urandom(1000))
        assert list(scanner.in_file(file)), name
    (tmp_path / "plant").write_bytes(gzip.compress(b"x" * 50 + NUMBER.encode()))
    assert list(scanner.in_file(tmp_path / "plant"))
    (tmp_path / "plant").write_bytes(os.urandom(100_000))
    assert not scanner.in_tree(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="reading another process's memory needs root")
def test_a_number_in_a_process_is_found() -> None:
    code = "import sys; held = sys.stdin.readline(); print('up', flush=True); sys.stdin.readline()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(NUMBER.encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        assert Scanner([NUMBER]).in_memory(process.pid)
        assert not Scanner(["4000559999999999"]).in_memory(process.pid)
    finally:
        process.kill()
        process.wait()
