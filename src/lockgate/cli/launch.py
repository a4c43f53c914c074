"""Between supervisor and program: drops to the program's uid, ties its life to the supervisor's, then becomes it."""

import ctypes
import json
import os
import sys

from lockgate.cli import landlock

_PR_SET_PDEATHSIG = 1
ISOLATED = "-I"  # no user site, no PYTHON* variables: nothing a home directory holds runs before the uid is dropped


def command(order: dict[str, object], argv: list[str]) -> list[str]:
    """The command line that runs ``argv`` as ``order`` says: uid, gid, groups, signal, parent, landlock."""
    order = {**order, "parent": os.getpid()}
    return [sys.executable, ISOLATED, "-m", "lockgate.cli.launch", json.dumps(order), *argv]


def die_with(parent: int, signal: int) -> None:
    """Have the kernel send ``signal`` to this process when its parent dies; if that happened already, end now."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the supervisor died while this program started")


def main() -> None:
    order = json.loads(sys.argv[1])
    argv = sys.argv[2:]
    os.umask(0o007)  # sockets are for the shared group, nothing is for others
    if order.get("uid") is not None:
        os.setgroups(order["groups"])
        os.setresgid(order["gid"], order["gid"], order["gid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])
    # After the uid change: the kernel forgets the signal when credentials change.
    die_with(order["parent"], order["signal"])
    if order.get("landlock"):
        landlock.restrict(order["landlock"])
    os.execv(argv[0], argv)  # noqa: S606 - the supervisor names the program


if __name__ == "__main__":
    main()
