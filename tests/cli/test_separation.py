"""How programs are kept apart: own users under root, Landlock otherwise, and one clear error for a closed folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.cli import home as homes
from lockgate.cli import landlock, launch, separation
from lockgate.kernel.config import ConfigError, Home

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give programs users of their own")
with_landlock = pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
NOBODY = {"uid": 65534, "gid": 65534, "groups": []}


@pytest.fixture
def open_home() -> Iterator[Home]:
    """A home outside pytest's directories, which are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="lockgate-home-"))
    folder.chmod(0o755)
    home = Home(folder / "h")
    homes.create(home, profile="sandbox", passphrase=None)
    yield home
    shutil.rmtree(folder)


def run_as(order: dict[str, object], source: str) -> subprocess.CompletedProcess[str]:
    """Run a little Python program through the product's launcher."""
    command = launch.command({"signal": 9, **order}, [sys.executable, "-I", "-c", source])
    return subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=30, check=False)


def opens(order: dict[str, object], path: Path | str) -> bool:
    return run_as(order, f"open({str(path)!r}, 'rb').read(1)").returncode == 0


@as_root
def test_every_program_is_somebody_else(open_home: Home) -> None:
    apart = separation.choose()
    uids = apart.uids()
    assert sorted(uids) == ["admin", "gateway", "postgres", "simulator", "vault", "worker"]
    assert len(set(uids.values())) == 6
    assert uids["admin"] == 0
    seen = {}
    for name in separation.PROGRAMS:
        order = separation.order(apart, name, open_home, open_home.settings())
        source = "import json, os; print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups()]))"
        seen[name] = json.loads(run_as(order, source).stdout)
    for name, (uid, gid, groups) in seen.items():
        assert set(uid) == {uids[name]}
        assert set(gid) == {uids[name]}
        assert groups == ([] if name == "simulator" else [apart.shared_gid])


@as_root
def test_a_program_reads_its_own_secrets_and_nobody_elses(open_home: Home) -> None:
    apart = separation.choose()
    settings = open_home.settings()
    separation.hand_over(apart, open_home, Path(settings["run_dir"]))
    names = ("gateway", "worker", "vault", "simulator")
    for reader in names:
        order = separation.order(apart, reader, open_home, settings)
        readable = {name for name in (*names, "owner", "postgres") if opens(order, open_home.secrets_file(name))}
        assert readable == {reader}
        assert opens(order, open_home.settings_file)


@as_root
def test_sockets_are_for_the_shared_group(open_home: Home) -> None:
    apart = separation.choose()
    settings = open_home.settings()
    run_dir = Path(settings["run_dir"])
    separation.hand_over(apart, open_home, run_dir)
    bind = f"import socket; s = socket.socket(socket.AF_UNIX); s.bind('{run_dir}/vault.sock'); s.listen(); "
    vault = subprocess.Popen(
        launch.command(
            {"signal": 9, **separation.order(apart, "vault", open_home, settings)},
            [sys.executable, "-I", "-c", bind + "print('up', flush=True); s.accept(); s.accept()"],
        ),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert vault.stdout is not None and vault.stdout.readline() == "up\n"
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect('{run_dir}/vault.sock')"
    remove = f"import os; os.unlink('{run_dir}/vault.sock')"
    try:
        gateway = separation.order(apart, "gateway", open_home, settings)
        assert run_as(gateway, connect).returncode == 0
        assert "PermissionError" in run_as(gateway, remove).stderr, "no program may replace another's socket"
        for stranger in (separation.order(apart, "simulator", open_home, settings), NOBODY):
            assert "PermissionError" in run_as(stranger, connect).stderr
    finally:
        vault.kill()
        vault.wait()


@as_root
def test_a_closed_folder_is_named_once_and_with_the_way_out(open_home: Home) -> None:
    closed = open_home.path.parent / "closed"
    (closed / "python").mkdir(parents=True)
    closed.chmod(0o700)
    places = [("the home directory", open_home.path), ("the Python interpreter", closed / "python")]
    with pytest.raises(ConfigError) as refused:
        separation.check_reach(separation.choose(), places)
    message = str(refused.value)
    assert f"may not enter {closed}," in message
    assert f"the Python interpreter {closed}/python" in message
    assert f"chmod o+rx {closed}" in message
    closed.chmod(0o755)
    separation.check_reach(separation.choose(), places)


@as_root
def test_a_closed_folder_behind_a_link_is_found(open_home: Home) -> None:
    closed = open_home.path.parent / "closed"
    (closed / "real").mkdir(parents=True)
    closed.chmod(0o700)
    link = open_home.path.parent / "link"
    link.symlink_to(closed / "real")
    with pytest.raises(ConfigError, match=f"may not enter {closed},"):
        separation.check_reach(separation.choose(), [("the installation", link)])


def test_this_installation_is_found_whole() -> None:
    places = separation.installation()
    for module in (os, pytest, separation):
        assert any(Path(str(module.__file__)).is_relative_to(place) for place in places), module


def test_files_are_handed_over_again_and_again(open_home: Home) -> None:
    apart = separation.choose()
    run_dir = Path(open_home.settings()["run_dir"])
    for _ in range(2):
        separation.hand_over(apart, open_home, run_dir)
    owner = apart.owner("gateway") or (os.geteuid(), os.getegid())
    found = open_home.secrets_file("gateway").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (*owner, 0o600)


@with_landlock
def test_landlock_closes_the_neighbours_files_and_ports(open_home: Home) -> None:
    """What an ordinary user's start does; also root is bound by it."""
    settings = open_home.settings()
    (open_home.path / "run").mkdir(exist_ok=True)
    apart = separation.Separation({}, None, landlock.version())
    gateway = separation.order(apart, "gateway", open_home, settings)
    assert gateway["landlock"]
    assert opens(gateway, open_home.secrets_file("gateway"))
    assert opens(gateway, open_home.settings_file)
    for neighbour in ("vault", "owner", "worker"):
        assert not opens(gateway, open_home.secrets_file(neighbour)), neighbour
    assert not opens(gateway, __file__)
    assert not opens(gateway, "/proc/1/stat")
    assert "PermissionError" in run_as(gateway, f"open('{open_home.path}/new', 'w')").stderr
    if landlock.version() >= landlock.NETWORK_ABI:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            connect = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
            assert "PermissionError" in run_as(gateway, connect).stderr
            worker = separation.order(apart, "worker", open_home, settings)
            assert run_as(worker, connect).returncode == 0, "the worker delivers webhooks anywhere"
        bind = "import socket; socket.create_server(('127.0.0.1', {}))"
        assert "PermissionError" in run_as(gateway, bind.format(port)).stderr
        settings["api"]["port"] = port
        gateway = separation.order(apart, "gateway", open_home, settings)
        assert run_as(gateway, bind.format(port)).returncode == 0


@with_landlock
def test_landlock_leaves_the_programs_code_usable(open_home: Home) -> None:
    apart = separation.Separation({}, None, landlock.version())
    order = separation.order(apart, "gateway", open_home, open_home.settings())
    done = run_as(order, "import lockgate.kernel.config, asyncpg, cryptography.x509, ssl; ssl.create_default_context()")
    assert done.returncode == 0, done.stderr


def test_a_launcher_whose_parent_has_died_runs_nothing() -> None:
    command = launch.command({"signal": 15}, [sys.executable, "-c", "print('ran')"])
    order = json.loads(command[4]) | {"parent": 1}
    done = subprocess.run(
        [*command[:4], json.dumps(order), *command[5:]], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "ran" not in done.stdout


@as_root
def test_a_link_that_a_program_planted_gets_root_nowhere(open_home: Home, tmp_path: Path) -> None:
    """The socket folder of the server and the simulator's own folder belong to them: they may swap them for links."""
    apart = separation.choose()
    run_dir = Path(open_home.settings()["run_dir"])
    separation.hand_over(apart, open_home, run_dir)
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir(mode=0o755)
    precious = elsewhere / "shadow"
    precious.touch(0o600)
    (run_dir / "pg").rmdir()
    (run_dir / "pg").symlink_to(elsewhere)
    with pytest.raises(ConfigError, match=r"pg is a link .* remove it"):
        separation.hand_over(apart, open_home, run_dir)
    (run_dir / "pg").unlink()
    (open_home.path / "simulator" / "journal.jsonl").symlink_to(precious)
    separation.hand_over(apart, open_home, run_dir)
    for untouched in (elsewhere, precious):
        assert (untouched.stat().st_uid, untouched.stat().st_gid) == (0, 0)
