"""How the programs are kept apart on one machine: own numeric users when root starts them, else Landlock."""

import contextlib
import errno
import json
import os
import site
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lockgate.cli import landlock
from lockgate.kernel.config import ConfigError, Home

FIRST_UID = 61210  # no passwd entry anywhere, so nothing is created and nobody can log in
PROGRAMS = ("postgres", "vault", "gateway", "worker", "simulator")
_SHARED_GID_OFFSET = 9  # the group that may enter the socket directories
_LANDLOCKED = ("gateway", "worker")
_REDIS_PORT = 6379
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/dev/urandom")  # libraries, time zones, resolver, certificates


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a program runs as: its own user and group, and the shared group where it needs the sockets."""

    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Separation:
    """What is in force. ``identities`` is empty unless root started us."""

    identities: Mapping[str, Identity]
    shared_gid: int | None
    landlock_version: int

    def owner(self, program: str) -> tuple[int, int] | None:
        """(uid, gid) that ``program``'s files belong to; None where all belong to whoever starts."""
        identity = self.identities.get(program)
        return (identity.uid, identity.gid) if identity else None

    def uids(self) -> dict[str, int]:
        """Each program's uid, for whoever checks a socket peer's; ``admin`` is the supervisor's own."""
        here = os.geteuid()
        return {**{name: self.identities[name].uid if self.identities else here for name in PROGRAMS}, "admin": here}

    def describe(self) -> str:
        """One line for the operator."""
        if self.identities:
            uids = ", ".join(f"{name} {identity.uid}" for name, identity in self.identities.items())
            return f"every program under its own user ({uids})"
        if self.landlock_version:
            network = " and TCP" if self.landlock_version >= landlock.NETWORK_ABI else ""
            return (
                f"one user for all programs; closed memory; Landlock closes files{network} to gateway and worker "
                "(start as root for own users)"
            )
        return "one user for all programs; closed memory; this kernel has no Landlock (start as root for own users)"


def choose(first_uid: int = FIRST_UID) -> Separation:
    """The strongest separation that this start can have."""
    if os.geteuid() != 0:
        return Separation({}, None, landlock.version())
    shared = first_uid + _SHARED_GID_OFFSET
    identities = {}
    for place, name in enumerate(PROGRAMS):
        # The simulator stands for the outside world: it reaches neither database nor vault.
        groups = () if name == "simulator" else (shared,)
        identities[name] = Identity(first_uid + place, first_uid + place, groups)
    return Separation(identities, shared, 0)


def order(separation: Separation, program: str, home: Home, settings: Mapping[str, Any]) -> dict[str, object]:
    """The launcher's instructions for ``program``."""
    identity = separation.identities.get(program)
    if identity is not None:
        return {"uid": identity.uid, "gid": identity.gid, "groups": list(identity.groups)}
    if separation.landlock_version and program in _LANDLOCKED:
        return {"landlock": _rules(program, home, settings)}
    return {}


def _rules(program: str, home: Home, settings: Mapping[str, Any]) -> dict[str, list[Any] | None]:
    """Code, its own secrets and the sockets; nothing of the vault's, the database's or the user's."""
    tls = home.path / "tls"
    own = [home.settings_file, home.secrets_file(program), home.path / "ca" / "ca.pem", tls / "openssl.cnf"]
    write = [settings["run_dir"], "/dev/null"]
    bind: list[int] = []
    connect: list[int] | None = None  # the worker delivers webhooks to ports that merchants choose
    if program == "gateway":
        own += [tls / "api.pem", tls / "api.key", tls / "public.pem", tls / "public.key"]
        own += [Path(settings["breached_passwords"])] if settings.get("breached_passwords") else []
        bind = [settings["api"]["port"], *([settings["api"]["mtls"]["port"]] if "mtls" in settings["api"] else [])]
        database = settings["database"]
        connect = [] if str(database["host"]).startswith("/") else [database["port"]]
        connect += [settings["vault_link"]["port"]] if "vault_link" in settings else []
        limits = settings.get("limits") or {}
        redis = urlsplit(limits.get("redis", ""))
        connect += [redis.port or _REDIS_PORT] if redis.scheme in ("redis", "rediss") else []
        own += [Path(limits["redis_ca"])] if limits.get("redis_ca") else []
    else:
        own += [home.secrets_file("sealer"), *named_files(settings)]
        write.append(str(outbox(home)))
        checkpoints = settings.get("audit", {}).get("checkpoint_dir")
        write += [checkpoints] if checkpoints else []
    own += [tls / f"service-{program}.pem", tls / f"service-{program}.key", tls / "service-ca.pem"]
    read = [*_SYSTEM, *(str(place) for place in installation()), *(str(file) for file in own)]
    return {"read": read, "write": write, "bind": bind, "connect": connect}


def outbox(home: Home) -> Path:
    """Where the worker puts mail while no mail server is set up."""
    return home.path / "mail"


def named_files(settings: Mapping[str, Any]) -> list[Path]:
    """The operator's own files that settings.json names for the worker: about mail, and where addresses are."""
    smtp = (settings.get("mail") or {}).get("smtp") or {}
    geography = settings.get("geography") or {}
    named = (smtp.get("password_file"), smtp.get("cafile"), geography.get("path"))
    return [Path(file) for file in named if file]


def installation() -> list[Path]:
    """Every place that a program's code is read from."""
    places = [sys.prefix, sys.base_prefix, *site.getsitepackages(), str(Path(__file__).resolve().parents[2])]
    return [place for place in map(Path, dict.fromkeys(places)) if place.exists()]


def check_reach(separation: Separation, places: Sequence[tuple[str, Path]]) -> None:
    """Refuse to start when a dropped program could not reach what it needs; each place comes with a plain name."""
    for identity in separation.identities.values():
        closed = _ask_as(identity, places)
        if closed is not None:
            what, place, folder = closed
            raise ConfigError(
                f"the programs run under their own users (here uid {identity.uid}) and may not enter {folder}, "
                f"but need {what} {place}: open it ('chmod o+rx {folder}'), or move {what} out of it, "
                "or start as an ordinary user"
            )


def _ask_as(identity: Identity, places: Sequence[tuple[str, Path]]) -> tuple[str, str, str] | None:
    """(what, place, closed folder) for the first place out of ``identity``'s reach; a child that became it looks."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.setgroups(identity.groups)
            os.setresgid(identity.gid, identity.gid, identity.gid)
            os.setresuid(identity.uid, identity.uid, identity.uid)
            closed = ((what, str(place), shut) for what, place in places if (shut := first_closed(place)))
            os.write(writing, json.dumps(next(closed, None)).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise ConfigError(f"cannot become uid {identity.uid}: is this a container that maps few users?")
    found = json.loads(said)
    return tuple(found) if found else None


def first_closed(path: Path) -> str | None:
    """The outermost folder (or the file itself) that this process may not enter or read on the way to ``path``."""
    for way in dict.fromkeys((Path(os.path.realpath(path)), path.absolute())):
        for step in (*reversed(way.parents), way):
            needed = os.X_OK if step != way else os.R_OK
            if not os.access(step, needed):
                return str(step)
    return None


def hand_over(separation: Separation, home: Home, run_dir: Path) -> None:
    """Make the home's folders and give every file to the program that it belongs to; safe to repeat at each start."""
    root = home.path
    uid, gid = os.geteuid(), os.getegid()
    shared = separation.shared_gid
    open_mode = 0o755 if separation.identities else 0o700
    _folder(root, open_mode, (uid, gid))
    _folder(root / "secrets", 0o711 if separation.identities else 0o700, (uid, gid))
    for name in ("ca", "tls"):
        _folder(root / name, open_mode, (uid, gid))
    _folder(root / "logs", 0o700, (uid, gid))
    _folder(root / "simulator", 0o700, separation.owner("simulator") or (uid, gid))
    _folder(outbox(home), 0o700, separation.owner("worker") or (uid, gid))
    # Set-gid: sockets get the shared group. Sticky: no program can replace another's socket.
    _folder(run_dir, 0o3771 if shared else 0o700, (uid, shared if shared else gid))
    postgres = separation.owner("postgres")
    _folder(run_dir / "pg", 0o2750 if shared else 0o700, (postgres[0] if postgres else uid, shared if shared else gid))
    files: dict[str, Sequence[Path]] = {
        "gateway": [home.secrets_file("gateway"), root / "tls" / "api.key", root / "tls" / "public.key"],
        "worker": [home.secrets_file("worker"), home.secrets_file("sealer")],
        "vault": [home.secrets_file("vault"), root / "tls" / "cards.key"],
        "simulator": [home.secrets_file("simulator"), root / "tls" / "simulator.key", *_files(root / "simulator")],
    }
    for program, paths in files.items():
        for path in (*paths, root / "tls" / f"service-{program}.key"):
            if path.exists():
                _own(path, 0o600, separation.owner(program) or (uid, gid))


def _files(folder: Path) -> Iterable[Path]:
    return [path for path in folder.iterdir() if stat.S_ISREG(path.lstat().st_mode)]


def _folder(path: Path, mode: int, owner: tuple[int, int]) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir(parents=True)
    _own(path, mode, owner, kind=os.O_DIRECTORY)


def _own(path: Path, mode: int, owner: tuple[int, int], *, kind: int = 0) -> None:
    """Owner and mode of this very file: a program that may write its folder could have put a link to another there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | kind)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise ConfigError(
                f"{path} is a link or no folder, and Lockgate makes none: find out who put it there, then remove it"
            ) from error
        raise
    try:
        if not kind and not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigError(f"{path} is no plain file: find out who put it there, then remove it")
        os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
