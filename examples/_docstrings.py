"""Documents that lie in every installation, and the word vectors of a small package."""

import importlib
import importlib.util
import inspect
import json
import re
import warnings
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, normalize

TOPICS = {  # modules of each topic
    "statistics": "scipy.stats statistics numpy.random",
    "linear algebra": "scipy.linalg numpy.linalg scipy.sparse.linalg scipy.sparse",
    "signals": "scipy.signal scipy.ndimage scipy.fft numpy.fft",
    "optimisation": "scipy.optimize scipy.integrate scipy.interpolate",
    "learning": "sklearn.linear_model sklearn.ensemble sklearn.svm sklearn.tree sklearn.neighbors "
    "sklearn.neural_network sklearn.cluster sklearn.mixture sklearn.naive_bayes "
    "sklearn.decomposition sklearn.manifold",
    "evaluation": "sklearn.metrics sklearn.preprocessing sklearn.model_selection sklearn.datasets "
    "sklearn.feature_selection sklearn.feature_extraction sklearn.impute sklearn.pipeline "
    "sklearn.compose",
    "arrays": "numpy numpy.ma numpy.char numpy.strings numpy.polynomial",
    "processes": "os shutil pathlib io tarfile zipfile subprocess multiprocessing threading "
    "concurrent.futures asyncio tempfile glob signal socket ssl select selectors logging "
    "logging.handlers gzip bz2 lzma mmap pickle shelve sqlite3",
    "language": "ast inspect typing types re string textwrap json email email.message html "
    "html.parser xml.dom.minidom xml.etree.ElementTree urllib.request urllib.parse http.client "
    "http.server argparse configparser csv difflib locale gettext codecs unittest doctest pdb "
    "traceback tokenize dis collections itertools functools datetime decimal fractions calendar "
    "random enum dataclasses contextlib abc importlib",
}
SIX = ("statistics", "linear algebra", "signals", "optimisation", "learning", "processes")


def documents(topics=tuple(TOPICS)):
    """The docstrings of more than 120 letters, each once, and the names of their topics."""
    texts = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that are on their way out
        for topic in topics:
            for name in TOPICS[topic].split():
                for text in _docstrings(importlib.import_module(name)):
                    texts.setdefault(text, topic)
    return list(texts), np.array(list(texts.values()), dtype=object)


def _docstrings(module):
    names = getattr(module, "__all__", None) or [n for n in dir(module) if n[0] != "_"]
    for name in sorted(names):
        try:
            thing = getattr(module, name, None)
        except ImportError:  # of what scikit-learn calls experimental
            continue
        methods = sorted(n for n in vars(thing) if n[0] != "_") if inspect.isclass(thing) else []
        for one in (thing, *(getattr(thing, method, None) for method in methods)):
            text = None if isinstance(one, str | int | float) else getattr(one, "__doc__", None)
            if isinstance(text, str) and len(text) > 120:
                yield text


def has_vectors():
    """Whether the package ``wordllama`` is installed."""
    return importlib.util.find_spec("wordllama") is not None


def word_vectors():
    """A pipeline from texts to the mean vectors of their words: (n, 256), of length 1.

    The wheel of ``wordllama`` holds 32,000 pieces of words and a vector for each. Its files are
    read here, and none of its code is run: its own loader may download. A word is cut into the
    longest pieces from its start on, and a piece counts by its tf-idf weight.
    """
    from safetensors.numpy import load_file

    folder = Path(importlib.util.find_spec("wordllama").submodule_search_locations[0])
    vectors = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    tokenizer = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    vocabulary = json.loads(tokenizer.read_text())["model"]["vocab"]

    def pieces(text):
        found = []
        for word in re.findall(r"[a-z]+", text.lower()):
            rest = "\N{LOWER ONE EIGHTH BLOCK}" + word  # which marks the start of a word
            while rest:
                length = next((n for n in range(len(rest), 0, -1) if rest[:n] in vocabulary), 1)
                found.append(rest[:length])
                rest = rest[length:]
        return found

    def mean_vectors(weights):
        return normalize(weights @ vectors.astype(np.float32))

    return make_pipeline(
        TfidfVectorizer(analyzer=pieces, vocabulary=vocabulary, lowercase=False, sublinear_tf=True),
        FunctionTransformer(mean_vectors, accept_sparse=True),
    )
