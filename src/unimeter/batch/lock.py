"""One job at a time: a lock on the folder of a job's parts. The system releases it when the process ends, however it ends."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unimeter.batch.output import OutputInUse, writing

NAME = "lock"

_UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
_logger = logging.getLogger("unimeter.batch")

if sys.platform == "win32":
    import msvcrt

    _FAR = 2**30
    """Which byte is locked: one beyond the text, so that the others can read it."""

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def locked(folder: Path, out: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it is not there.

    Args:
        folder: the folder. The holder of the lock may remove the lock's file with it.
        out: the output that the folder belongs to, for the messages.

    Raises:
        OutputInUse: another job holds the lock.
        OutputError: the folder cannot be made, or written to.
    """
    with writing(out):
        descriptor = _taken(folder, out)
    try:
        yield
    finally:
        with suppress(OSError):  # a child process that was forked meanwhile has the file open as well
            _unlock(descriptor)
        os.close(descriptor)
        if sys.platform == "win32":  # where a file that is open cannot be removed
            with suppress(OSError):
                if os.listdir(folder) == [NAME]:
                    (folder / NAME).unlink()
                    folder.rmdir()


def _taken(folder: Path, out: Path) -> int:
    path = folder / NAME
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the job before has just removed the folder
            if not folder.is_dir():
                continue
            raise
        try:
            if _is_locked(descriptor, out) and not _is_there(path, descriptor):
                os.close(descriptor)  # the job before removed the file as it ended: this lock protects nothing
                continue
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
            return descriptor
        except BlockingIOError:
            holder = os.read(descriptor, 300).decode("utf-8", "replace") or "it has only begun"
            os.close(descriptor)
            raise OutputInUse(f"{out}: another job is writing it ({holder})") from None
        except BaseException:
            with suppress(OSError):
                os.close(descriptor)
            raise


def _is_locked(descriptor: int, out: Path) -> bool:
    try:
        _lock(descriptor)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        _logger.warning("%s: its file system has no locks; a second job on the same output would spoil it", out)
        return False
    return True


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
