"""Rows that are documents: how they are told, and that they train as they are."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array, csr_matrix

import sklearn_ssl
from sklearn_ssl import FixMatchClassifier, LabelPropagationClassifier, LazyRows, load
from sklearn_ssl.inputs.documents import as_documents, look_like_documents
from sklearn_ssl.inputs.sparse_rows import SparseRows
from sklearn_ssl.networks import MLP, DocumentMLP

SPARSE_ALL_THE_WAY = [
    "CoTrainingNet",
    "FixMatchClassifier",
    "FlexMatchClassifier",
    "FreeMatchClassifier",
    "LabelPropagationNet",
    "MeanTeacherClassifier",
    "MeanTeacherRegressor",
    "NoisyStudentClassifier",
    "PiModelClassifier",
    "PseudoLabelClassifier",
    "S4LClassifier",
    "SelfTrainingNet",
    "SoftMatchClassifier",
    "TemporalEnsemblingClassifier",
    "UDAClassifier",
]


def corpus(n=120, words=300, seed=0):
    """Counts (n, words) of two topics, a third of the words each, and their topics."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = np.zeros((n, words), dtype=np.float32)
    for i in range(n):
        for _ in range(rng.integers(2, 22)):
            own = rng.random() < 0.8
            X[i, rng.integers(words // 3) + (words // 3 * (1 + y[i]) if own else 0)] += 1
    return X, y


def few(y, k=5):
    return np.where(np.arange(len(y)) < 2 * k, y, -1)


@pytest.mark.parametrize("form", [np.asarray, csr_array, csr_matrix])
def test_counts_are_documents_in_every_form(form):
    assert look_like_documents(form(corpus()[0]))


def test_what_is_no_document():
    X, _ = corpus()
    rng = np.random.default_rng(0)
    one_hot = np.concatenate([np.eye(30)[rng.integers(30, size=200)] for _ in range(4)], 1)
    crowded = np.where(rng.random(X.shape) < 0.2, 1.0, X)
    amounts = np.c_[X, 1000 * rng.random(len(X))]
    same = X[(X != 0).sum(1) == 8]
    others = X[:, :99], X - X.max(), one_hot, one_hot[:, np.arange(120) % 30 > 0], amounts, same
    for other in (*others, crowded, np.zeros_like(X)):
        assert not look_like_documents(other)
        assert not look_like_documents(csr_array(other))
    assert not look_like_documents(X[:, None, None])


def test_hashed_words_are_documents():
    """Half of them have a negative sign."""
    X, _ = corpus()
    assert look_like_documents(csr_array(X * np.where(np.arange(300) % 2, 1, -1)))


def test_the_user_may_say_what_rows_are():
    X, y = corpus()
    same = X[(X != 0).sum(1) <= 14]
    params = {"max_steps": 2, "batch_size": 8, "random_state": 0}
    for cls in (FixMatchClassifier, LabelPropagationClassifier):
        given = {k: v for k, v in params.items() if k in cls().get_params()}
        target = few(y)[: len(same)]
        assert cls(documents=False, **given).fit(X, few(y)).input_kind_ == "table"
        assert cls(documents=True, **given).fit(same[:, :90], target).input_kind_ == "documents"
        for wrong in (X.reshape(-1, 1, 10, 30), np.where(X == 3, np.nan, X)):
            with pytest.raises(ValueError, match="documents=True needs a table"):
                cls(documents=True, **given).fit(wrong, few(y))


def test_a_fit_that_goes_on_keeps_the_kind_of_the_first():
    X, y = corpus()
    alike = np.flatnonzero((X != 0).sum(1) == (X != 0).sum(1)[0])[:3]
    params = {"max_steps": 2, "batch_size": 8, "unlabeled_ratio": 2, "random_state": 0}
    clf = FixMatchClassifier(**params).fit(X, few(y)).partial_fit(X[[*alike, 50]], [0, 1, -1, -1])
    assert clf.input_kind_ == "documents"
    assert type(clf.net_.criterion_.strong.view).__name__ == "DropWords"
    table = FixMatchClassifier(documents=False, **params).fit(X, few(y))
    table.set_params(documents="auto", warm_start=True).fit(X, few(y))
    assert table.input_kind_ == "table"
    assert type(table.net_.criterion_.strong.view).__name__ == "SwapFeatures"
    lazy = LazyRows(list(np.where(X.max() == X, np.nan, X)))
    with pytest.raises(ValueError, match="NaN"):
        clf.partial_fit(lazy, few(y))
    assert clf.predict(LazyRows(list(X))).shape == y.shape


def test_rows_without_a_label_count_where_they_do_not_train():
    X, y = corpus()
    alike = np.flatnonzero((X != 0).sum(1) == 8)
    target = np.full(len(y), -1)
    target[alike] = y[alike]
    clf = FixMatchClassifier(unlabeled_weight=0, max_steps=2, batch_size=8, random_state=0)
    assert clf.fit(X, target).input_kind_ == "documents"


@pytest.mark.parametrize("kind", ["float16", ">f4", ">i8", "uint8", "float64"])
def test_numbers_of_any_kind(kind):
    X, y = corpus()
    params = {"max_steps": 2, "batch_size": 8, "random_state": 0}
    clf = FixMatchClassifier(**params).fit(X.astype(kind), few(y))
    other = FixMatchClassifier(**params).fit(csr_array(X), few(y))
    np.testing.assert_allclose(clf.predict_proba(X), other.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("cls", [FixMatchClassifier, LabelPropagationClassifier])
def test_a_sparse_matrix_out_of_order_is_left_alone(cls):
    X, y = corpus()
    Z = csr_array(X)
    Z.indices, Z.data = Z.indices[::-1].copy(), Z.data[::-1].copy()
    Z = csr_array((Z.data, Z.indices, np.r_[0, np.cumsum(np.diff(Z.indptr)[::-1])]), X.shape)
    for part in (Z.data, Z.indices, Z.indptr):
        part.flags.writeable = False
    before = Z.indices.copy()
    params = {k: v for k, v in {"max_steps": 2, "batch_size": 8}.items() if k in cls().get_params()}
    clf = cls(random_state=0, **params).fit(Z, few(y))
    other = cls(random_state=0, **params).fit(X[::-1], few(y))
    np.testing.assert_array_equal(Z.indices, before)
    np.testing.assert_allclose(clf.predict_proba(Z), other.predict_proba(X[::-1]), atol=1e-6)


def test_a_module_of_another_width_is_refused():
    X, y = corpus()
    for width in (200, 400):
        with pytest.raises(ValueError, match="fails on rows of shape"):
            FixMatchClassifier(module=DocumentMLP((width,), 2)).fit(csr_array(X), few(y))
    with pytest.raises(ValueError, match="at least one width"):
        FixMatchClassifier(module_params={"hidden_layer_sizes": ()}).fit(X, few(y))


def test_a_users_matrix_stays_as_it_is():
    X = csr_array(([1.0, 0.0, 2.0], [2, 1, 2], [0, 3, 3]), shape=(2, 200))  # twice, and a stored 0
    before = X.data.copy(), X.indices.copy()
    made = as_documents(X)
    assert made.nnz == 1
    assert made[0, 2] == 3
    np.testing.assert_array_equal(X.data, before[0])
    np.testing.assert_array_equal(X.indices, before[1])
    clean = as_documents(made)
    assert np.shares_memory(clean.data, made.data)


def test_fit_says_what_it_took_the_rows_for(tmp_path):
    X, y = corpus()
    params = {"max_steps": 4, "batch_size": 8, "unlabeled_ratio": 2, "random_state": 0}
    clf = FixMatchClassifier(**params).fit(csr_matrix(X), few(y))
    assert clf.input_kind_ == "documents"
    assert isinstance(clf.net_.module_, DocumentMLP)
    clf.save(tmp_path / "documents.safetensors")
    np.testing.assert_array_equal(
        load(tmp_path / "documents.safetensors").predict_proba(X), clf.predict_proba(X)
    )
    table = FixMatchClassifier(**params).fit(X[:, :99], few(y))
    assert table.input_kind_ == "table"
    assert isinstance(table.net_.module_, MLP)
    images = FixMatchClassifier(**params).fit(X.reshape(-1, 1, 10, 30), few(y))
    assert images.input_kind_ == "images"


def test_dense_documents_train_as_sparse_ones():
    X, y = corpus()
    params = {"max_steps": 6, "batch_size": 8, "unlabeled_ratio": 2, "random_state": 0}
    dense, Z = FixMatchClassifier(**params).fit(X, few(y)), csr_array(X)
    sparse = FixMatchClassifier(**params).fit(Z, few(y))
    np.testing.assert_array_equal(dense.predict_proba(Z), sparse.predict_proba(Z))
    np.testing.assert_allclose(dense.predict_proba(X), sparse.predict_proba(Z), atol=1e-5)


@pytest.mark.parametrize("name", SPARSE_ALL_THE_WAY)
def test_no_batch_of_documents_becomes_dense(name, monkeypatch):
    """So that a step costs what the words in the rows do, and not the vocabulary."""
    X, y = corpus()
    target = few(y)
    if "Regressor" in name:
        target = np.where(target < 0, np.nan, target + np.linspace(0, 0.1, len(y)))

    def refuse(self):
        raise AssertionError("a batch became dense")

    monkeypatch.setattr(SparseRows, "dense", refuse)
    params = {"max_steps": 3, "batch_size": 8, "unlabeled_ratio": 2, "random_state": 0}
    model = getattr(sklearn_ssl, name)(**params).fit(csr_array(X), target)
    assert np.isfinite(model.predict(csr_array(X)).astype(float)).all()


def test_neighbours_of_documents_are_those_of_the_largest_cosine():
    """The length of a document says nothing: here that of a topic's is far from all others."""
    X, y = corpus(n=200)
    longer = X * np.where(np.arange(200) % 3 == 0, 50, 1)[:, None].astype(np.float32)
    one = LabelPropagationClassifier().fit(csr_array(X), few(y))
    other = LabelPropagationClassifier().fit(csr_array(longer), few(y))
    np.testing.assert_allclose(other.label_distributions_, one.label_distributions_, atol=1e-4)
    assert one.input_kind_ == "documents"
    unseen, truth = corpus(n=100, seed=1)
    assert one.score(unseen, truth) > 0.8
    np.testing.assert_allclose(
        one.predict_proba(csr_array(unseen)), other.predict_proba(7 * unseen), atol=1e-3
    )


def test_documents_are_learned_from():
    X, y = corpus(n=300)
    clf = FixMatchClassifier(max_steps=100, batch_size=16, unlabeled_ratio=3, random_state=0)
    unseen, truth = corpus(n=200, seed=1)
    assert clf.fit(csr_array(X), few(y, 10)).score(unseen, truth) > 0.8


def test_a_module_that_does_not_say_that_it_reads_sparse_rows_gets_dense_ones():
    X, y = corpus()
    seen = []

    class Plain(torch.nn.Linear):
        def __init__(self, input_shape, n_classes):
            super().__init__(*input_shape, n_classes)

        def forward(self, x):
            seen.append(type(x))
            return super().forward(x)

    clf = FixMatchClassifier(module=Plain, max_steps=2, batch_size=8, random_state=0)
    clf.fit(csr_array(X), few(y)).predict(csr_array(X))
    assert set(seen) == {torch.Tensor}
