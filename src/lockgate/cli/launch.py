"""Between supervisor and program: drops to the program's uid, ties its life to the supervisor's, then becomes it."""

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from lockgate.cli import landlock
from lockgate.kernel import process

ISOLATED = "-I"  # no user site, no PYTHON* variables: nothing a home directory holds runs before the uid is dropped


def command(order: Mapping[str, object], argv: Sequence[str]) -> list[str]:
    """The command line that runs ``argv`` as ``order`` says.

    ``signal`` ends the program when the caller dies; ``uid``, ``gid`` and ``groups`` say whom it becomes (absent:
    nobody else), ``landlock`` what `landlock.restrict` leaves open to it (absent: everything).
    """
    complete = {**order, "parent": os.getpid()}
    return [sys.executable, ISOLATED, "-m", "lockgate.cli.launch", json.dumps(complete), *argv]


def main() -> None:
    order = json.loads(sys.argv[1])
    argv = sys.argv[2:]
    os.umask(0o007)  # sockets are for the shared group, nothing is for others
    if order.get("uid") is not None:
        os.setgroups(order["groups"])
        os.setresgid(order["gid"], order["gid"], order["gid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])
    # After the uid change: the kernel forgets the signal when credentials change.
    process.die_with_parent(order["parent"], by=signal.Signals(order["signal"]))
    if order.get("landlock"):
        landlock.restrict(order["landlock"])
    os.execv(argv[0], argv)  # noqa: S606 - the supervisor names the program


if __name__ == "__main__":
    main()
