"""
A fit that was killed goes on
=============================

With ``checkpoint_dir`` a fit writes its state after every epoch. The same call after a crash goes
on from there, and on a CPU ends with the same weights, bit for bit, as a fit that nothing stopped.
"""

# %%
# A fit that nothing stops
# ------------------------

import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from skorch.callbacks import Callback

from sklearn_ssl import FixMatchClassifier, hide_labels

X, y = load_digits(return_X_y=True)
y_few = hide_labels(y, 50, stratify="balanced", random_state=0)
straight = FixMatchClassifier(max_steps=300, random_state=0).fit(X, y_few)

# %%
# The same fit, killed
# --------------------
# A callback plays the power cut: it raises an exception in epoch 40, and the program would end
# here. ``random_state`` must be an int, or the second call could not draw the same batches.


class PowerCut(Callback):
    """Raise an exception in one epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 40:
            raise RuntimeError("power cut")


folder = tempfile.TemporaryDirectory()
kept = {"max_steps": 300, "random_state": 0, "checkpoint_dir": folder.name}
killed = FixMatchClassifier(callbacks=[PowerCut()], **kept)
try:
    killed.fit(X, y_few)
except RuntimeError as error:
    print(f"{error} after step {killed.n_iter_} of {killed.max_steps}")

# %%
# The same call again
# -------------------
# It finds the state in the folder and goes on. Callbacks may differ; other data or parameters would
# be refused, with the reason.

again = FixMatchClassifier(**kept).fit(X, y_few)
folder.cleanup()

resumed_proba, straight_proba = again.predict_proba(X), straight.predict_proba(X)
same = (resumed_proba == straight_proba).all()
print(f"after step {again.n_iter_}: all probabilities are the same, bit for bit: {same}")

# %%
# The curves lie on each other
# ----------------------------
# The history of the second call begins with the epochs of the first.

figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
for clf, name, style in (
    (straight, "nothing stopped it", {"linewidth": 5, "color": "lightgrey"}),
    (again, "killed, and gone on", {"linestyle": "--", "color": "black"}),
):
    curve = np.array([(record["step"], record["labeled_loss"]) for record in clf.history_])
    axis.plot(*curve.T, label=name, **style)
axis.axvline(killed.n_iter_, linestyle=":", color="black", label="killed here")
axis.set(xlabel="optimizer step", ylabel="labeled loss, nats", yscale="log")
axis.legend()
plt.show()
