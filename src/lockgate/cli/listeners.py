"""Which addresses the three listeners take, decided before anything starts and written to the settings."""

import contextlib
import socket
from typing import Any

from lockgate.cli import home as homes
from lockgate.kernel.config import ConfigError
from lockgate.kernel.source import is_loopback


def parse(listen: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPV6]:PORT``; port 0 stands for any free one."""
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError("--listen takes HOST:PORT, such as 127.0.0.1:8443 (port 0: any free one)")
    return host, int(port)


def check_insecure(profile: str, host: str) -> None:
    """Plain HTTP is for a loopback address in the sandbox, never for anything else."""
    if profile != "sandbox":
        raise ConfigError("--insecure-http-loopback is refused outside the sandbox profile: leave it out")
    if not is_loopback(host):
        raise ConfigError("--insecure-http-loopback serves loopback addresses only: use --listen 127.0.0.1:PORT")


def choose(settings: dict[str, Any], *, listen: str | None, insecure: bool, mtls: str | None = None) -> None:
    """Fill in hosts, ports and URLs. The API's address is taken as told; the others move when theirs is taken.

    ``mtls`` is a second address of the API, for clients with a certificate alone; ``off`` gives it up.
    """
    api = settings["api"]
    if listen is not None:
        api["host"], api["port"] = parse(listen)
    if mtls == "off":
        api.pop("mtls", None)
    elif mtls is not None:
        host, port = parse(mtls)
        api["mtls"] = {"host": host, "port": port}
    if insecure:
        check_insecure(settings["profile"], api["host"])
    with contextlib.ExitStack() as held:
        api["port"] = _claim(held, api["host"], api["port"], may_move=False)
        for name in ("cards", "simulator"):
            if name in settings:
                part = settings[name]
                part["port"] = _claim(held, part["host"], part["port"], may_move=True)
                part["url"] = homes.url(part["host"], part["port"], tls=True)
        if "mtls" in api:
            api["mtls"]["port"] = _claim(held, api["mtls"]["host"], api["mtls"]["port"], may_move=False)
            api["mtls"]["url"] = homes.url(api["mtls"]["host"], api["mtls"]["port"], tls=True)
    api["tls"] = not insecure
    api["url"] = homes.url(api["host"], api["port"], tls=not insecure)
    if "simulator" in settings:
        settings["processors"]["simulator"]["origin"] = settings["simulator"]["url"]


def _claim(held: contextlib.ExitStack, host: str, port: int, *, may_move: bool) -> int:
    """A port that is free now; held until all are chosen, so that no two get the same."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise ConfigError(f"--listen {host}: this machine does not know that host") from error
    trial = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        trial.bind((host, port))
    except OSError as error:
        if may_move and port:
            return _claim(held, host, 0, may_move=False)
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another address with --listen HOST:PORT"
        ) from error
    return int(trial.getsockname()[1])
