"""
Views of RandAugment
====================

Methods such as FixMatch compare weak and strong views of an image. Here is every operation of
RandAugment on one picture that is not symmetric, and a few whole views. The letter must stay an F:
mirrored where views flip, but never another letter.

``python examples/plot_views.py FILE`` writes the figure to a file.
"""

import sys
from itertools import chain

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_ssl.augment import RandAugment, ShiftFlip
from sklearn_ssl.augment.randaugment import OPERATIONS

# %%
# A letter, and one operation on it
# ---------------------------------
# Operations and magnitudes are drawn at random. ``extremes`` draws often, and keeps the smallest
# and the largest change that each operation makes.


def letter(size=32):
    """A red F on a blue ramp, with a yellow dot at the lower right: (3, size, size) in [0, 1]."""
    image = np.zeros((3, size, size), dtype=np.float32)
    image[2] = np.linspace(0.25, 0.8, size)[None]
    image[1] = np.linspace(0.1, 0.4, size)[:, None]
    for rows, columns in (((6, 26), (8, 12)), ((6, 10), (8, 23)), ((14, 18), (8, 19))):
        image[:, slice(*rows), slice(*columns)] = np.array([0.85, 0.15, 0.1])[:, None, None]
    image[:, 23:27, 23:27] = np.array([0.95, 0.9, 0.2])[:, None, None]
    return torch.from_numpy(image)


def extremes(n_draws=2000):
    """Each operation's smallest and largest change of the letter: two dicts of name to image."""
    view, x = RandAugment(flip=False), (letter() * 255).round()[None]
    seen = {name: [] for name in OPERATIONS}
    for seed in range(n_draws):
        ops, amount, _ = view.draw(x, torch.Generator().manual_seed(seed))
        ops[1] = 0
        image = view.apply(x.clone(), ops, amount, 127.5)[0] / 255
        seen[OPERATIONS[int(ops[0, 0])]].append((float((image - letter()).abs().mean()), image))
    return [
        {name: choose(images, key=lambda pair: pair[0])[1] for name, images in seen.items()}
        for choose in (min, max)
    ]


# %%
# The contact sheet
# -----------------
# The upper two rows hold one operation each, with a small and a large magnitude. Below are weak
# views, then strong views in the style of FixMatch, with flips and without, and of TorchSSL.

names = [name for name in OPERATIONS if name != "identity"]
rows = [[letter(), *(images[name] for name in names)] for images in extremes()]
titles = [["as it is", *(n.replace("_", "\n") for n in names)], [""] * (len(names) + 1)]
width = len(rows[0])
batch = letter().repeat(width, 1, 1, 1)
for label, view in (
    ("weak", ShiftFlip()),
    ("fixmatch", RandAugment()),
    ("fixmatch,\nno flip", RandAugment(flip=False)),
    ("torchssl", RandAugment("torchssl")),
):
    rows.append(list(view(batch, torch.Generator().manual_seed(1))))
    titles.append([label] + [""] * (width - 1))

figure, axes = plt.subplots(len(rows), width, figsize=(width, len(rows) + 0.6))
for axis, image, title in zip(axes.flat, chain(*rows), chain(*titles), strict=True):
    axis.imshow(image.permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="nearest")
    axis.set_title(title, fontsize=7)
    axis.axis("off")
figure.tight_layout(pad=0.3)
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=70)
    print(f"Wrote {sys.argv[1]}")
plt.show()
