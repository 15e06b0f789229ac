"""The state of the process that a fit needs: generators, gradients, precision, threads."""

import multiprocessing
import os
import threading
from contextlib import contextmanager

import numpy as np
import torch

__all__ = [
    "derived_seeds",
    "drawn_seed",
    "few_threads",
    "private_state",
    "seed_after",
    "single_precision",
]

_turn = threading.RLock()


def _start_in_child():
    """Take what a fork leaves behind: another thread's lock, and threads that are not copied.

    torch would wait for ever for threads that it has used before the fork.
    """
    global _turn
    _turn = threading.RLock()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_in_child)


def derived_seeds(seed, number=0, rank=0):
    """Three seeds of a fit: of held-out rows, of torch's generators, of batches.

    ``number`` is that of one of several trainings, ``rank`` that of one of several processes.
    """
    entropy = [seed, number, rank] if rank else [seed, number]
    return np.random.default_rng(entropy).integers(2**63 - 1, size=3)


def drawn_seed(random_state):
    """Return an int from the user's random_state, leaving the global generators alone."""
    if random_state is None:
        return np.random.SeedSequence().entropy
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(2**31)
    return random_state


def seed_after(seed, n_steps):
    """Seed of a call of partial_fit after so many steps, which is to see other rows than before."""
    return int(np.random.default_rng([seed, n_steps]).integers(2**63 - 1))


@contextmanager
def private_state(device, seed):
    """Seed torch's global generators, let gradients flow; put all back at the end.

    Weights and dropout draw from generators that all threads share, so that fits in threads take
    turns: each is as it would be alone, and none disturbs the generators. (Another thread that
    draws from them by itself meanwhile is beyond our reach.)
    """
    cuda = [device] if device.type == "cuda" else []
    with (
        _turn,
        torch.random.fork_rng(devices=cuda),
        torch.inference_mode(False),
        torch.enable_grad(),
        single_precision(),
    ):
        torch.default_generator.manual_seed(seed)
        if cuda:  # torch.manual_seed would touch the generators of other devices too
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type != "cpu":
            torch.manual_seed(seed)
        yield


@contextmanager
def single_precision():
    """New tensors are float32, as rows are, whatever the default of the process."""
    before = torch.get_default_dtype()
    if before == torch.float32:
        yield
        return
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def few_threads():
    """One thread of torch in a worker process that would take all cores, whatever others do.

    joblib's and dask's workers find OMP_NUM_THREADS set, which torch obeys; those of
    `multiprocessing` and `concurrent.futures` do not. OMP_NUM_THREADS, or a number of threads below
    half the cores, is the user's own choice.
    """
    before = torch.get_num_threads()
    chosen = "OMP_NUM_THREADS" in os.environ or 2 * before < _n_cores()
    if multiprocessing.parent_process() is None or chosen:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _n_cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
