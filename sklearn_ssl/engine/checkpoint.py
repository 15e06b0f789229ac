"""Files from which a killed fit goes on, bit for bit, or is refused with a reason."""

import hashlib
import io
import os
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import issparse

from ..inputs.lazy import LazyRows

__all__ = ["Checkpoint", "digest", "write_whole"]


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
            held = torch.load(self.path, map_location="cpu", weights_only=True)
            fingerprint, state = held["fingerprint"], held["state"]
        except Exception as error:
            raise ValueError(
                f"{self.path} is truncated or no checkpoint of sklearn_ssl. {other}"
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
            write_whole(self.path, buffer.getbuffer())
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
    temporary = path.with_name(f"{path.name}.tmp")
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


def _sync_folder(folder):
    """Make the new name itself durable, where the system lets folders be opened and forced."""
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):  # the file is in place already
            handle = os.open(folder, os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def digest(*values):
    """A short hexadecimal digest of arrays, sparse matrices, tensors and what `repr` describes."""
    h = hashlib.blake2b(digest_size=8)

    def add(value):
        if issparse(value):
            for part in (value.data, value.indices, value.indptr):
                add(part)
        elif isinstance(value, LazyRows):
            add(value.index)
            add(value.thinned(100))  # reading all would take as long as an epoch
        elif isinstance(value, torch.Tensor):
            add(value.detach().cpu().numpy())
        elif isinstance(value, np.ndarray):
            h.update(f"{value.dtype}{value.shape}".encode())
            for start in range(0, len(value) if value.ndim else 1, 4096):
                part = value[start : start + 4096] if value.ndim else value
                h.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(value, dict):
            for key, item in value.items():
                add(key)
                add(item)
        else:
            h.update(re.sub(r" at 0x[0-9a-f]+", "", repr(value)).encode())

    for value in values:
        add(value)
    return h.hexdigest()
