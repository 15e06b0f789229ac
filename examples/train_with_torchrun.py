"""Train one network with several processes.

torchrun --standalone --nproc-per-node 2 examples/train_with_torchrun.py
"""

import pickle

from sklearn.datasets import load_digits
from torch import distributed

from sklearn_ssl import FixMatchClassifier, hide_labels

distributed.init_process_group("gloo")  # "nccl" where each process has a GPU of its own

X, y = load_digits(return_X_y=True)  # the same on every process
few = hide_labels(y, 100, random_state=0)
clf = FixMatchClassifier(batch_size=32, max_steps=200, random_state=0, verbose=1)
clf.fit(X, few)  # every process calls it

if distributed.get_rank() == 0:  # all have the same network: one of them is enough from here on
    print(f"accuracy {clf.score(X, y):.3f}")
    with open("digits.pkl", "wb") as file:
        pickle.dump(clf, file)
distributed.destroy_process_group()
