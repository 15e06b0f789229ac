"""Seeds of a fit, generators and threads that are left as they were."""

import multiprocessing
import os

import pytest
import torch

from sklearn_ssl import FixMatchClassifier
from sklearn_ssl.engine import generators
from sklearn_ssl.engine.generators import derived_seeds, private_state
from sklearn_ssl.networks import MLP


def test_seeds_differ_by_fit_and_by_training():
    seeds = [tuple(derived_seeds(seed, number)) for seed in (0, 1) for number in (0, 1)]
    assert len({s for triple in seeds for s in triple}) == 12
    assert tuple(derived_seeds(0)) == tuple(derived_seeds(0, 0, rank=0)) == seeds[0]
    seeds += [tuple(derived_seeds(0, 0, rank)) for rank in (1, 2)]
    assert len({s for triple in seeds for s in triple}) == 18


def test_the_global_generator_is_seeded_and_put_back():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with private_state(torch.device("cpu"), 7):
        inside = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(inside, torch.rand(3, generator=torch.Generator().manual_seed(7)))


@pytest.fixture
def two_threads():
    """Two threads of torch, which have worked."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.ones(500, 500) @ torch.ones(500, 500)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def inside(two_threads, monkeypatch):
    """A function that says how many threads a fit has in a worker process, and afterwards."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(generators, "_n_cores", lambda: 2)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "another process")

    def count():
        with generators.few_threads():
            within = torch.get_num_threads()
        return within, torch.get_num_threads()

    return count


def test_a_worker_process_has_one_thread_and_its_threads_back(inside):
    assert inside() == (1, 2)


def test_training_and_predictions_of_a_fit_have_one_thread_there(inside, blobs):
    X, y, _ = blobs
    seen = []

    def view(x, generator):
        seen.append(torch.get_num_threads())
        return x

    class Counted(MLP):
        def forward(self, x):
            seen.append(torch.get_num_threads())
            return super().forward(x)

    FixMatchClassifier(module=Counted, weak_augment=view, max_steps=2).fit(X, y)
    assert set(seen) == {1}
    assert torch.get_num_threads() == 2


def test_other_processes_keep_their_threads(inside, monkeypatch):
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: None)
    assert inside() == (2, 2)


def test_threads_that_the_user_chose_stay(inside, monkeypatch):
    monkeypatch.setattr(generators, "_n_cores", lambda: 8)  # of which two are not all
    assert inside() == (2, 2)
    monkeypatch.setattr(generators, "_n_cores", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert inside() == (2, 2)


def fit_in_child(queue, X, y):
    from sklearn_ssl import FixMatchClassifier

    clf = FixMatchClassifier(max_steps=2, random_state=0).fit(X, y)
    queue.put((torch.get_num_threads(), clf.predict(X).tolist()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_fits_where_torch_would_wait_for_threads_of_the_parent(two_threads, digits):
    X, y, _, _ = digits
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=fit_in_child, args=(queue, X, y))
    child.start()
    child.join(120)  # it ends in a second, or never
    hung = child.is_alive()
    child.kill()
    assert not hung
    n_threads, predicted = queue.get()
    assert n_threads == 1
    assert len(predicted) == len(X)
