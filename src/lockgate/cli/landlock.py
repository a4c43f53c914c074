"""Landlock, by raw system calls: closes files and TCP ports to a program that shares its OS user with the others."""

import ctypes
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_PR_SET_NO_NEW_PRIVS = 38

# linux/landlock.h
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_ALL_OF_ABI_1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15  # ABI 2, 3, 5
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1  # ABI 4
NETWORK_ABI = 4

_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV  # what a rule on a plain file may name


def _system_call(number: int, *arguments: Any) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def version() -> int:
    """The kernel's Landlock version; 0 where it has none."""
    try:
        return _system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except OSError:
        return 0


def _handled_files(abi: int) -> int:
    rights = _ALL_OF_ABI_1
    for right, since in ((_REFER, 2), (_TRUNCATE, 3), (_IOCTL_DEV, 5)):
        if abi >= since:
            rights |= right
    return rights


def restrict(rules: Mapping[str, Sequence[Any] | None]) -> None:
    """Close everything but ``rules`` to this process and its children, for good.

    ``read``: paths that may be read and executed; ``write``: paths that may be changed too. ``bind`` and ``connect``:
    TCP ports, None for any port; kernels before 6.7 cannot restrict TCP and leave it open. A path that does not exist
    is passed over: nothing is there to be opened.
    """
    abi = version()
    if abi == 0:
        raise OSError("this kernel has no Landlock")
    files = _handled_files(abi)
    network = 0
    if abi >= NETWORK_ABI:
        network |= _BIND_TCP if rules["bind"] is not None else 0
        network |= _CONNECT_TCP if rules["connect"] is not None else 0
    attributes = struct.pack("=QQ", files, network) if abi >= NETWORK_ABI else struct.pack("=Q", files)
    ruleset = _system_call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        read_only = files & (_EXECUTE | _READ_FILE | _READ_DIR)
        for paths, rights in ((rules["read"] or (), read_only), (rules["write"] or (), files)):
            for path in paths:
                _allow_path(ruleset, str(path), rights)
        for ports, right in ((rules["bind"], _BIND_TCP), (rules["connect"], _CONNECT_TCP)):
            for port in (ports or ()) if network & right else ():
                rule = struct.pack("=QQ", right, port)
                _system_call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_NET_PORT), rule, ctypes.c_uint32(0))
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _system_call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow_path(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, place)
        _system_call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(place)
