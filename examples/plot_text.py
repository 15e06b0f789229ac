"""
Documents: docstrings by topic
==============================

A few labeled documents hold a few of the words of their topic. The unlabeled ones tell which words
come together, and so which topic the other words belong to. ``TfidfVectorizer`` gives a sparse
matrix, which goes into ``fit`` as it is.
"""

# %%
# A corpus that lies in every installation
# ----------------------------------------
# The documents are docstrings of scipy, numpy, scikit-learn and the standard library, in six topics
# by the module they are from. ``examples/_docstrings.py`` collects them. Half of them are the test
# set; of the other half five of each topic keep their label. ``None`` marks the others, since
# labels are strings.

import matplotlib.pyplot as plt
import numpy as np
from _docstrings import SIX, documents, has_vectors, word_vectors
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_ssl import FixMatchClassifier, LabelPropagationClassifier, hide_labels

texts, names = documents(SIX)
print(f"{len(texts)} documents: ", {topic: int((names == topic).sum()) for topic in SIX})

train, test, y_train, y_test = train_test_split(
    texts, names, test_size=0.5, stratify=names, random_state=0
)
y_few = hide_labels(y_train, 30, stratify="balanced", unlabeled_label=None, random_state=0)
labeled = np.array([label is not None for label in y_few])
few_texts = [text for text, known in zip(train, labeled, strict=True) if known]

# %%
# On tf-idf weights
# -----------------
# Logistic regression sees the 30 labels alone. FixMatch trains a network on all documents; label
# propagation carries labels along a graph of neighbours. A vectorizer needs no labels, so it learns
# its weights from all training documents for each of them.

models = {
    "logistic regression": LogisticRegression(C=10, max_iter=1000),
    "label propagation": LabelPropagationClassifier(),
    "FixMatch": FixMatchClassifier(max_steps=300, random_state=0),  # short, for this page
}
accuracy, predicted = {}, {}


def compare(rows, X, X_test, models):
    """Fit each and keep its test accuracy; a plain model gets the labeled rows."""
    for name, model in models.items():
        if isinstance(model, LogisticRegression):
            model.fit(X[labeled], y_few[labeled].astype(str))
        else:
            model.fit(X, y_few)
        predicted[rows, name] = model.predict(X_test)
        accuracy[rows, name] = np.mean(predicted[rows, name] == y_test)
        print(f"{rows:8s} {name:20s} test accuracy {accuracy[rows, name]:.3f}")


tf_idf = TfidfVectorizer(max_features=4000, sublinear_tf=True)
compare("tf-idf", tf_idf.fit_transform(train), tf_idf.transform(test), models)

# %%
# On word vectors
# ---------------
# The package ``wordllama`` has vectors of 32,000 pieces of words in its wheel
# (``pip install ".[examples]"``). Its licence is MIT; its description says that the vectors were
# trained from the token embeddings of Llama 2 70B and Phi-3 medium, which have licences of their
# own. Where it is not installed, this part is left out.

if has_vectors():
    vectors = word_vectors()
    on_vectors = {
        "logistic regression": LogisticRegression(C=10, max_iter=1000),
        "label propagation": LabelPropagationClassifier(documents=True),  # neighbours by cosine
    }
    compare("vectors", vectors.fit_transform(train), vectors.transform(test), on_vectors)
else:
    print("vectors: left out, wordllama is not installed")

# %%
# Where the difference lies
# -------------------------
# By topic. Ten draws with 2, 5 and 10 labels a topic, more models and the default budget are in
# :doc:`/results_documents`.

figure, axis = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
positions = np.arange(len(SIX))
for (rows, name), style in zip(predicted, ("o", "^", "s", "v", "D"), strict=False):
    right = [np.mean(predicted[rows, name][y_test == topic] == topic) for topic in SIX]
    axis.plot(positions, right, style, label=f"{name}, {rows}")
axis.set_xticks(positions, SIX)
axis.set(ylabel="share of its documents that are found", ylim=(0, 1.05))
axis.legend(loc="lower left", fontsize=8)
plt.show()
