"""Files from which a killed fit goes on, bit for bit, or is refused with a reason."""

import hashlib
import io
import os
import threading
import time
from contextlib import suppress
from numbers import Integral
from pathlib import Path

import torch

__all__ = ["Checkpoint", "check_folder", "check_repeatable", "write_whole"]

_MAGIC, _DIGEST = b"sklearn_ssl checkpoint 2\n", 32


def _checksum(data):
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()


def check_folder(folder):
    """Return the folder as a Path, made if needed, in which a file can be written.

    Raises
    ------
    ValueError
        If it is empty.
    OSError
        If it cannot be made or written to.
    """
    if not os.fspath(folder):
        raise ValueError("checkpoint_dir is empty; '.' is the folder that the process is in.")
    path = Path(folder).expanduser()
    path.mkdir(parents=True, exist_ok=True)
    write_whole(path / f".writable-{os.getpid()}-{threading.get_ident()}", b"").unlink()
    for left in path.glob("*.tmp"):  # of processes that were killed while they wrote
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 86_400:
                left.unlink()
    return path


def check_repeatable(estimator, previous):
    """Refuse a ``checkpoint_dir`` where an equal fit would not be this one again."""
    if estimator.checkpoint_dir is None:
        return
    if not isinstance(estimator.random_state, Integral):
        raise ValueError(
            "checkpoint_dir needs an int as random_state, so that a repeated fit draws the "
            f"same batches; got {estimator.random_state!r}."
        )
    if previous is not None:
        raise ValueError(
            "checkpoint_dir holds one fit from its start: go on from earlier weights "
            "(warm_start, partial_fit) with checkpoint_dir=None."
        )


class Checkpoint:
    """One file that holds the state of one training, replaced as a whole or not at all.

    Parameters
    ----------
    path : str or Path
    fingerprint : dict of str to str
        What must be equal for the file to be of use: parameters, data, versions.
    """

    def __init__(self, path, fingerprint):
        self.path, self.fingerprint = Path(path), fingerprint

    def load(self):
        """Return the state, or None if there is no file yet.

        Raises
        ------
        ValueError
            If the file is damaged, or of another fit. It executes nothing it reads.
        """
        if not self.path.exists():
            return None
        other = f"Move {self.path} away to start from scratch, or give another checkpoint_dir."
        try:
            data = self.path.read_bytes()
            start = len(_MAGIC) + _DIGEST
            if data[:start] != _MAGIC + _checksum(data[start:]):
                raise ValueError("checksum")
            held = torch.load(io.BytesIO(data[start:]), map_location="cpu", weights_only=True)
            fingerprint, state = held["fingerprint"], held["state"]
        except OSError:
            raise
        except Exception as error:
            raise ValueError(
                f"{self.path} is damaged, or no checkpoint of this version of sklearn_ssl. {other}"
            ) from error
        keys = self.fingerprint.keys() | fingerprint.keys()
        differ = sorted(k for k in keys if self.fingerprint.get(k) != fingerprint.get(k))
        if differ:
            was = ", ".join(
                f"{k} ({fingerprint.get(k)} there, {self.fingerprint.get(k)} here)" for k in differ
            )
            raise ValueError(f"{self.path} belongs to another fit, which had other {was}. {other}")
        return state

    def save(self, state):
        """Replace the file by this state.

        Raises
        ------
        OSError
            If it cannot be written, on a full disk for instance; the old file stays whole.
        """
        buffer = io.BytesIO()
        torch.save({"fingerprint": self.fingerprint, "state": state}, buffer)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            payload = buffer.getvalue()
            write_whole(self.path, _MAGIC + _checksum(payload) + payload)
        except OSError as error:
            raise OSError(
                error.errno,
                f"The checkpoint could not be written ({error.strerror}); the one before it, if "
                "any, is whole. Free space and fit again to go on from there",
                str(self.path),
            ) from error


def write_whole(path, data):
    """Write beside the old file, force it to disk, then take its name: all of it or nothing."""
    path = Path(path)
    own = f"{os.getpid()}-{threading.get_ident()}"  # two fits may share a folder
    temporary = path.with_name(f"{path.name}.{own}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return path


def _sync_folder(folder):
    """Make the new name itself durable, where the system lets folders be opened and forced."""
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):  # the file is in place already
            handle = os.open(folder, os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
