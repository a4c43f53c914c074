"""What a process asks of the kernel and of its own memory: no dumps, no tracing, no new privileges, less collecting."""

import ctypes
import gc
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_MCL_CURRENT = 1
_MCL_FUTURE = 2

_libc = ctypes.CDLL(None, use_errno=True)


def harden() -> None:
    """No core files, no ptrace or /proc/PID/mem by equals, no privileges by execve. OSError if the kernel refuses."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def open_many_files() -> None:
    """As many open files as the system allows at all: of the usual 1,024, one idle client could take every one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def die_with_parent(parent: int, *, by: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to send ``by`` when the parent dies; call it after the uid has changed, which would undo it.

    ``parent`` is the pid that started us: if it died before this call, no signal would ever come, so we go now.
    """
    _prctl(_PR_SET_PDEATHSIG, int(by))
    if os.getppid() != parent:
        os.kill(os.getpid(), by)


def lock_memory() -> bool:
    """Keep all memory, present and future, out of swap. False where that is not allowed.

    Not tried under a finite RLIMIT_MEMLOCK: locking the future under a limit turns a later allocation into a crash.
    """
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY:
        return False
    return _libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0


def _prctl(option: int, value: int) -> None:
    arguments = (ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if _libc.prctl(ctypes.c_int(option), *arguments) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"prctl({option}): {os.strerror(errno)}")


def settle_memory() -> None:
    """Call once all is loaded: what lives as long as the process is no more looked at by the garbage collector.

    Requests leave little garbage that holds itself; looking for it less often saves about a twentieth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
