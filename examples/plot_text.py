"""
Documents: words that no label has seen
=======================================

A few labeled documents hold a few of the words of their topic. The unlabeled ones tell which words
come together, and so which topic the other words belong to. ``TfidfVectorizer`` gives a sparse
matrix, which goes into ``fit`` as it is.
"""

# %%
# A small corpus
# --------------
# Nothing is downloaded here, so the documents come from a model: four words of their topic, two of
# other topics, and two to nineteen common words. Real documents are less tidy. Five of each topic
# keep their label; ``None`` marks the others, since labels are strings.

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import issparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_ssl import FixMatchClassifier, hide_labels

topics = {
    "cooking": "bake boil butter carrot cheese cream dough flour fry garlic grill herb knife lemon "
    "oil onion oven pan pepper recipe roast salt sauce soup stew sugar",
    "sky": "comet crater eclipse galaxy gravity halo jupiter lunar mars meteor moon nebula "
    "orbit planet probe pulsar rocket saturn solar spectrum star sun telescope venus void",
    "music": "bass cello choir chord chorus clarinet composer concert conductor drum flute guitar "
    "harmony jazz melody opera orchestra organ piano rhythm singer song tempo trumpet tune violin",
    "football": "attack ball captain coach corner cup defender fan final foul goal header keeper "
    "kick league match midfield offside pass penalty pitch player referee striker tackle team",
}
common = """
after again also another around because before begin bring come day early end every find
first follow give good great hold keep large last leave little long make many more most move
never new next often old open other part place right same second show side small still stop
take
"""

rng = np.random.default_rng(0)
texts, names = [], np.array(list(topics) * 300, dtype=object)
for name in names:
    others = " ".join(words for topic, words in topics.items() if topic != name).split()
    sources = (topics[name].split(), 4), (others, 2), (common.split(), rng.integers(2, 20))
    drawn = [rng.choice(words, n) for words, n in sources]
    texts.append(" ".join(rng.permutation(np.concatenate(drawn))))
print(f"{names[0]}: {texts[0]}")

train, test, y_train, y_test = train_test_split(
    texts, names, test_size=0.5, stratify=names, random_state=0
)
y_few = hide_labels(y_train, 20, stratify="balanced", unlabeled_label=None, random_state=0)

# %%
# Three classifiers
# -----------------
# A logistic regression and a network on the 20 labels alone, and the same network with FixMatch on
# all 600 documents.

labeled = np.array([label is not None for label in y_few])
few_texts = [text for text, known in zip(train, labeled, strict=True) if known]
models = {
    "logistic regression, 20 labels": make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)),
    "network, 20 labels": make_pipeline(
        TfidfVectorizer(), FixMatchClassifier(unlabeled_weight=0, random_state=0)
    ),
    "network, 580 unlabeled documents too": make_pipeline(
        TfidfVectorizer(), FixMatchClassifier(random_state=0)
    ),
}
correct = {}
for name, model in models.items():
    if name.startswith("logistic"):  # it would take None for a class
        model.fit(few_texts, y_few[labeled].astype(str))
    else:
        model.fit(train, y_few)
    correct[name] = model.predict(test) == y_test
    print(f"{name:37s} test accuracy {correct[name].mean():.3f}")
print("sparse:", issparse(model[0].transform(test)), "- taken for", model[-1].input_kind_)

# %%
# Where the difference lies
# -------------------------
# Count, for each test document, how many different words of its topic appear in the labeled
# documents of that topic. The fewer they are, the less the labels alone can tell.

seen = {
    topic: set(words.split())
    & set(" ".join(t for t, label in zip(train, y_few, strict=True) if label == topic).split())
    for topic, words in topics.items()
}
known = np.array([len(seen[y] & set(t.split())) for t, y in zip(test, y_test, strict=True)])
known = known.clip(1, 4)
print("documents by known words:", np.bincount(known, minlength=5)[1:])

figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, right), style in zip(correct.items(), ("o:", "s--", "^-"), strict=True):
    counts = [right[known == k].mean() for k in range(1, 5)]
    axis.plot(range(1, 5), counts, style, label=name)
axis.set(xlabel="words of its topic known from labels", ylabel="accuracy", ylim=(0, 1.05))
axis.set_xticks(range(1, 5), ["0 or 1", "2", "3", "4"])
axis.legend(loc="lower right")
plt.show()
