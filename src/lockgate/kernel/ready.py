"""Tells the supervisor, over an inherited descriptor, that this program can take work."""

import os

from lockgate.kernel import config

READY_FD = "LOCKGATE_READY_FD"


def announce() -> None:
    """Write one line to the descriptor that the supervisor named and close it; without one, do nothing."""
    named = config.environment(READY_FD)
    if not named:
        return
    try:
        descriptor = int(named)
    except ValueError as error:
        raise config.ConfigError(f"{READY_FD} must be the number of a descriptor") from error
    try:
        os.write(descriptor, b"ready\n")
        os.close(descriptor)
    except OSError as error:
        raise config.ConfigError(f"{READY_FD} does not name an open descriptor") from error
