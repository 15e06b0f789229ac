"""Several processes train one network: `on_ranks.py` runs on them, and its files are looked at."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import distributed
from torch.nn.functional import cross_entropy

from sklearn_ssl.engine.ranks import Ranks

from . import on_ranks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not distributed.is_available(), reason="torch has no distributed"),
]
ROOT = Path(__file__).parents[2]


def torchrun(n, script, *args, cwd=None):
    """Run a script on n processes as a user does; the limit only ends what hangs."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={n}", str(script), *map(str, args)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    env["PYTHONPATH"] = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=env,
                          cwd=cwd)  # fmt: skip


def results(n, folder, *parts):
    """What each of n processes returned of each part, and what they printed."""
    run = torchrun(n, on_ranks.__file__, ",".join(parts), folder)
    assert run.returncode == 0, run.stderr[-4000:]
    files = [[folder / f"{part}-{rank}.pt" for rank in range(n)] for part in parts]
    loaded = [[torch.load(file, weights_only=False) for file in each] for each in files]
    return *loaded, run.stdout


def assert_equal(a, b, name=""):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal(a[key], b[key], f"{name} {key}")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), name
    else:
        assert a == b, name


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return results(2, tmp_path_factory.mktemp("parts"), "methods", "pieces")[:2]


@pytest.fixture
def methods(both):
    return both[0]


@pytest.fixture
def pieces(both):
    return both[1]


def test_all_processes_end_with_the_same_weights_history_and_predictions(methods):
    first, second = methods
    assert len(first) >= 19
    for name in first:
        assert_equal(first[name], second[name], name)


def test_gradients_are_means_over_the_batches_of_all(pieces):
    first, second = (own["by hand"] for own in pieces)
    assert sorted(first["rows"]) != sorted(second["rows"])
    module = on_ranks.Plain()
    module.load_state_dict(first["began"])
    rows = np.concatenate([first["rows"], second["rows"]])
    x, y = torch.from_numpy(on_ranks.X[rows]), torch.from_numpy(on_ranks.Y[rows])
    loss = cross_entropy(module(x), y)
    loss.backward()
    for name, weight in module.named_parameters():
        by_hand = (weight - 0.5 * weight.grad).detach()
        torch.testing.assert_close(first["after"][name], by_hand, rtol=1e-4, atol=1e-6)
    assert first["loss"] == pytest.approx(loss.item(), rel=1e-4)


def test_a_parameter_without_gradient_counts_as_zero_unless_no_process_has_one(pieces):
    parted = pieces[0]["parted"]
    began = parted["began"]
    assert torch.equal(parted["trained none.weight"], began["none.weight"])  # nor does it decay
    assert not torch.equal(parted["trained first.weight"], began["first.weight"])
    assert not torch.equal(parted["trained all.weight"], began["all.weight"])


def test_statistics_of_a_loss_are_means_and_tables_hold_the_rows_of_all(pieces):
    counts = pieces[0]["counts"]
    assert_equal(counts, pieces[1]["counts"])
    assert counts["loss mean"] == 0.5
    assert counts["loss queue"] == 1
    assert counts["loss flag"]
    assert counts["loss still"] == torch.tensor(0.1)
    of_rank, t = counts["loss table"].T
    assert {0.0, 1.0, 2.0} == set(of_rank.tolist())  # of nobody, of either process
    assert {0.0, 0.5} == set(t.tolist())
    assert all(record["rank"] == 0.5 for record in counts["history"])


def test_running_state_of_methods_is_of_the_rows_of_both(methods):
    flex, ensembles, rankup = (methods[0][name] for name in ("flexmatch", "ensembles", "rankup"))
    most = 2 * on_ranks.SMALL["batch_size"] * on_ranks.SMALL["max_steps"]  # rows that one draws
    assert (flex["loss latest"] < 10).sum() > most
    assert (ensembles["loss visits"] > 0).sum() > most
    assert rankup["loss seen"].sum() > most
    assert methods[0]["fixmatch"]["loss mean_q"].sum() == pytest.approx(1, abs=1e-5)


def test_early_stopping_ends_all_at_once(methods):
    assert methods[0]["stopped"]["reason"] == "early_stopping"


@pytest.mark.parametrize("n", [4])
def test_what_fails_on_one_process_ends_the_fit_of_all(n, tmp_path):
    everyone, _ = results(n, tmp_path, "errors")
    own = everyone[-1]
    told = f"RuntimeError: Process {n - 1} of {n} failed, which ends the fit of all: "
    for others in everyone[:-1]:
        for name in ("in a step", "infinity", "at the end"):
            assert own[name] is not None
            assert others[name] == told + own[name]
        for name in ("interrupted", "works again"):
            assert_equal(own[name], others[name], name)
    assert own["at the end"] == "MemoryError: at the end"
    for each in everyone:
        assert each["nan"].startswith("FloatingPointError")
        assert each["interrupted"]["reason"] == "interrupted"
        assert each["interrupted"]["steps"] == 1
        assert len(each["told"]) == 1
        assert "y or sample_weight" in each["labels"]
        assert " X (" not in each["labels"]
        assert "given different X (float32 (240, 64)" in each["rows"]
        assert "(240, 60)" in each["shape"]
        assert f"lr (0.1 on process 0, -1.0 on {n - 1})" in each["lr"]
        assert "random_state (0 on process 0, 1 on 1)" in each["seed"]
        assert "checkpoint_dir (None on process 0" in each["folder"]


def test_killed_processes_go_on_bit_for_bit_and_only_the_first_one_writes(tmp_path):
    run = torchrun(2, on_ranks.__file__, "killed", tmp_path)
    assert run.returncode != 0
    folder = tmp_path / "kept"
    assert [file.name for file in folder.iterdir()] == ["FixMatchClassifier-0.pt"]
    with pytest.raises(ValueError, match=r"number of processes \(2 there, None here\)"):
        on_ranks.FixMatchClassifier(**on_ranks.LONG, checkpoint_dir=folder).fit(
            on_ranks.X, on_ranks.Y
        )
    (first, second), shown = results(2, tmp_path, "resumed")
    for own in (first, second):
        steps = own["epochs"]
        assert len(steps) > 4
        assert not own["folder"]
        for name in ("whole", "resumed", "again"):
            for record in own[name]["history"]:
                del record["seconds"]
        assert_equal(own["resumed"], own["whole"])
        assert_equal(own["again"], own["whole"])
        assert len(own["drawn"]) == own["whole"]["steps"] - steps[2]
    drawn = zip(first["drawn"], second["drawn"], strict=True)
    for one, other in drawn:
        assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert shown.count("step 40/40") == 1


def test_the_script_of_the_docs(tmp_path):
    shown = torchrun(2, ROOT / "examples" / "train_with_torchrun.py", cwd=tmp_path).stdout
    accuracy = float(shown.split("accuracy ")[1].split()[0])
    assert accuracy > 0.85
    assert shown.count("step 200/200") == shown.count("accuracy") == 1
    clf = pickle.loads((tmp_path / "digits.pkl").read_bytes())  # in a process by itself
    X, y = load_digits(return_X_y=True)
    assert clf.score(X, y) == pytest.approx(accuracy, abs=1e-3)


def test_one_process_by_itself_exchanges_nothing():
    ranks, value, x = Ranks.of_torch(), object(), torch.ones(2)
    assert (ranks.rank, ranks.size) == (0, 1)
    assert ranks.same(value) is value
    assert ranks.gathered(value) == [value]
    assert ranks.any(True)
    assert not ranks.any()
    ranks.mean_([x])
    ranks.first_([x])
    ranks.rows_([x], torch.tensor([0]))
    ranks.must_agree(None)
    ranks.tell(ValueError())
    assert torch.equal(x, torch.ones(2))
