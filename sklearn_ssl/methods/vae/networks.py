"""Variational autoencoders that also classify, for tables and images.

`VAEClassifier` asks of a network, and of a user's own, for ``forward(x)`` (logits),
``encode(x, y)`` (mean and log variance of z), ``decode(z, y)`` (parameters of x) and
``log_likelihood(x, decoded)``; ``to_input(decoded)`` gives back rows. A joint network may have
``classify_and_encode(x)``: both of the first two in one pass. The class y is an int64 tensor: (n,)
gives each row its own, (1, K) scores every class for every row in one call, with results
(n, K, ...).
"""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from ...networks.cnn import image_network
from ...networks.mlp import MLP, SmoothClip, Standardize

__all__ = ["M1M2VAE", "M1VAE", "M2VAE", "JointVAE"]


class ClassConditional(nn.Module):
    """A linear layer on [h, onehot(y)], without building the one-hot vectors."""

    def __init__(self, n_in, n_out, n_classes):
        super().__init__()
        self.linear, self.of_class = nn.Linear(n_in, n_out), nn.Embedding(n_classes, n_out)
        nn.init.zeros_(self.of_class.weight)  # every class starts out equal

    def forward(self, h, y):
        """(..., n_in), y broadcast against ... -> (..., n_out)."""
        h = self.linear(h)
        return h if y is None else h + self.of_class(y)


class _VAE(nn.Module):
    """Encoder, decoder and likelihood, the parts that both objectives share.

    Parameters
    ----------
    input_shape : tuple (d,) or (C, H, W)
    n_classes : int
    mean, scale : tensors (d,) or (C, 1, 1)
    latent_dim : int
    likelihood : {"gaussian", "bernoulli"}
        Gaussian: of the standardised x, with one learned variance a feature (or channel); features
        that are constant in training do not count. Bernoulli: of x in [0, 1].
    hidden_layer_sizes : sequence of int (tables)
    width : int (images)
        Channels of the first convolution.
    dropout : float in [0, 1)
        In the classifier.
    """

    def __init__(
        self,
        input_shape,
        n_classes,
        mean=0.0,
        scale=1.0,
        latent_dim=32,
        likelihood="gaussian",
        hidden_layer_sizes=(256, 256),
        width=32,
        dropout=0.0,
    ):
        super().__init__()
        scale = torch.as_tensor(scale, dtype=torch.float32)
        self.input_shape, self.latent_dim, self.likelihood = input_shape, latent_dim, likelihood
        self.standardize = Standardize(mean, scale)
        self.register_buffer("varies", (scale > 0).float())
        self.log_var = nn.Parameter(torch.zeros_like(self.standardize.scale))
        if len(input_shape) == 1:
            sizes = tuple(hidden_layer_sizes)
            self.trunk = nn.Sequential(SmoothClip(), _dense((input_shape[0], *sizes[:-1])))
            self.n_features = (input_shape[0], *sizes)[len(sizes) - 1]
            self.grow = _dense((sizes[-1], *sizes[-2::-1]))
            self.to_x = nn.Linear(sizes[0], input_shape[0])
            top = sizes[-1]
        else:
            channels, height, side = input_shape
            small = (-(-height // 4), -(-side // 4))
            self.trunk = self._make_image_trunk(n_classes, mean, scale, width, dropout)
            with torch.no_grad():
                self.n_features = self.eval().features(torch.zeros(1, *input_shape)).shape[1]
            self.train()
            top = 256
            self.grow = nn.Sequential(
                nn.Linear(top, 2 * width * math.prod(small)),
                nn.ReLU(),
                nn.Unflatten(1, (2 * width, *small)),
                nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
                nn.ReLU(),
            )
            self.to_x = nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1)
        self.mix = ClassConditional(self.n_features, top, n_classes)
        self.to_z = nn.Linear(top, 2 * latent_dim)
        self.from_z = ClassConditional(latent_dim, top, n_classes)
        self.classifier = self._make_classifier(
            n_classes, mean, scale, hidden_layer_sizes, width, dropout
        )

    def _make_image_trunk(self, n_classes, mean, scale, width, dropout):
        return nn.Sequential(
            nn.Conv2d(self.input_shape[0], width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )

    def features(self, x):
        """What the encoder makes of x (n, ...) without the class: (n, n_features)."""
        return self.trunk(self.standardize(x))

    def encode(self, x, y=None):
        """x (n, ...) and y (n,) -> mean, log variance (n, L); y (1, K) -> (n, K, L)."""
        return self._q_of_z(self.features(x), y)

    def _q_of_z(self, h, y=None):
        if y is not None and y.ndim == 2:
            h = h[:, None]
        mean, log_var = self.to_z(F.relu(self.mix(h, y))).chunk(2, -1)
        return mean, log_var.clamp(-10, 10)

    def decode(self, z, y=None):
        """z (..., L) -> mean of the standardised x, or logits of x: (..., *input_shape)."""
        h = F.relu(self.from_z(z, y))
        x = self.to_x(self.grow(h.flatten(0, -2)))
        if len(self.input_shape) == 3:
            x = x[..., : self.input_shape[1], : self.input_shape[2]]
        return x.reshape(*z.shape[:-1], *self.input_shape)

    def log_likelihood(self, x, decoded):
        """log p(x | decoded) in nats and in the units of x: (..., *input_shape) -> (...)."""
        if self.likelihood == "bernoulli":
            log_p = -F.binary_cross_entropy_with_logits(
                decoded, x.expand_as(decoded), reduction="none"
            )
        else:
            log_var = self.log_var.clamp(-6, 4)
            squared = (self.standardize(x) - decoded).square()
            log_p = -0.5 * (math.log(2 * math.pi) + log_var + squared / log_var.exp())
            log_p = (log_p - self.standardize.scale.log()) * self.varies
        return log_p.flatten(-len(self.input_shape)).sum(-1)

    def to_input(self, decoded):
        """Mean of x in the user's units."""
        if self.likelihood == "bernoulli":
            return torch.sigmoid(decoded)
        return decoded * self.standardize.scale * self.varies + self.standardize.mean


class M2VAE(_VAE):
    """Networks q(y|x), q(z|x,y) and p(x|y,z) of their own (Kingma et al. 2014, section 2.1)."""

    def _make_classifier(self, n_classes, mean, scale, hidden_layer_sizes, width, dropout):
        if len(self.input_shape) == 1:
            return MLP(self.input_shape, n_classes, mean, scale, hidden_layer_sizes, dropout)
        network = image_network(self.input_shape)
        return network(self.input_shape, n_classes, mean, scale, width, dropout)

    def forward(self, x):
        """x (n, ...) -> logits of q(y|x), (n, K)."""
        return self.classifier(x)

    @property
    def start_from(self):
        """That of the classifier, if it has one."""
        return self.classifier.start_from


class M1VAE(_VAE):
    """An autoencoder that knows no classes, and a classifier of the mean of q(z|x)."""

    def _make_classifier(self, n_classes, mean, scale, hidden_layer_sizes, width, dropout):
        return nn.Sequential(
            nn.Linear(self.latent_dim, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, n_classes)
        )

    def forward(self, x):
        """x (n, ...) -> logits (n, K)."""
        return self.classifier(self.encode(x)[0])


class JointVAE(M1VAE):
    """One encoder for z and the class. For images it is the automatic network.

    There the classifier is that network, and z is made from its maps before they are pooled.
    """

    @property
    def _images(self):
        return len(self.input_shape) > 1

    def _make_image_trunk(self, n_classes, mean, scale, width, dropout):
        network = image_network(self.input_shape)
        return network(self.input_shape, n_classes, mean, scale, width, dropout)

    def _make_classifier(self, *args):
        return None if self._images else super()._make_classifier(*args)

    def features(self, x):
        """What z is made from: (n, n_features)."""
        return self._in_places(self.trunk.maps(x)) if self._images else super().features(x)

    def _in_places(self, maps):
        """Maps (n, C, H, W) in at most 8 x 8 places, as one row an image."""
        size = [min(side, 8) for side in maps.shape[2:]]
        return F.adaptive_avg_pool2d(maps, size).flatten(1)

    def forward(self, x, with_z=False):
        """x (n, ...) -> logits (n, K); and mean and log variance of z, if that is wanted."""
        if self._images:
            maps = self.trunk.maps(x)
            logits, q = self.trunk.from_maps(maps), None
            if with_z:
                q = self._q_of_z(self._in_places(maps))
        else:
            q = self.encode(x)
            logits = self.classifier(q[0])
        return (logits, q) if with_z else logits

    def classify_and_encode(self, x):
        """Logits, and mean and log variance of z, in one pass of the encoder."""
        return self(x, with_z=True)  # the module is called, so that it may be compiled

    @property
    def start_from(self):
        """That of the automatic network, if it has one."""
        return self.trunk.start_from


class _FirstVAE(_VAE):
    """M1: an autoencoder that knows no classes (Kingma et al. 2014, section 2.1)."""

    def _make_classifier(self, *_):
        return nn.Identity()


class _LatentM2VAE(M2VAE):
    """M2 of z1: p(z1|y,z2) has mean and variance from (y, z2); q(y|z1) has one hidden layer."""

    def __init__(self, input_shape, *args, **kwargs):
        super().__init__(input_shape, *args, **kwargs)
        self.to_x = nn.Linear(self.to_x.in_features, 2 * input_shape[0])
        self.varies = self.varies.bool()  # copied, not averaged

    def _make_classifier(self, n_classes, mean, scale, hidden_layer_sizes, width, dropout):
        size = hidden_layer_sizes[-1]
        layers = nn.Linear(*self.input_shape, size), nn.Softplus(), nn.Dropout(dropout)
        return nn.Sequential(*layers, nn.Linear(size, n_classes))

    def decode(self, z, y=None):
        """z (..., L) -> mean and log variance of z1, (..., 2 L)."""
        return self.to_x(self.grow(F.relu(self.from_z(z, y))))

    def log_likelihood(self, x, decoded):
        """log p(z1 | decoded) in nats: (..., L) -> (...)."""
        mean, log_var = decoded.chunk(2, -1)
        log_var = log_var.clamp(-6, 4)
        log_p = -0.5 * (math.log(2 * math.pi) + log_var + (x - mean).square() / log_var.exp())
        return (log_p * self.varies).sum(-1)

    def to_input(self, decoded):
        """Mean of z1."""
        return decoded.chunk(2, -1)[0] * self.varies


class M1M2VAE(nn.Module):
    """M1 + M2: the second model sees the latent mean of the first in the place of x.

    It speaks as `M2VAE` does, from x to x. Parameters as of `M2VAE`; both latent spaces have
    ``latent_dim`` dimensions. Dimensions of z1 that carry nothing (``alive`` is False) are 0 for
    the second model.
    """

    def __init__(
        self,
        input_shape,
        n_classes,
        mean=0.0,
        scale=1.0,
        latent_dim=32,
        likelihood="gaussian",
        hidden_layer_sizes=(256, 256),
        width=32,
        dropout=0.0,
    ):
        super().__init__()
        sizes = hidden_layer_sizes
        self.m1 = _FirstVAE(
            input_shape, n_classes, mean, scale, latent_dim, likelihood, sizes, width
        )
        ones = torch.ones(latent_dim)  # the KL divergence of M1 keeps z1 near N(0, I)
        self.m2 = _LatentM2VAE(
            (latent_dim,), n_classes, 0 * ones, ones, latent_dim, "gaussian", sizes, dropout=dropout
        )
        self.register_buffer("variance", ones)  # of the posterior means of z1, over rows
        self.register_buffer("n_observed", torch.tensor(0))

    @property
    def alive(self):
        """Which dimensions of z1 the second model sees: (L,) of bool."""
        return self.m2.varies

    @torch.no_grad()
    def observe(self, means, rate=0.01):
        """Follow how much the posterior means (n, L) of z1 vary: above .1 a dimension is alive.

        Where none is, m1 has learned nothing yet, and all are kept.
        """
        self.n_observed += 1  # the first ones count in full
        rate = (1 / self.n_observed).clamp_min(rate)
        self.variance.lerp_(means.float().var(0, correction=0), rate)
        alive = self.variance > 0.1**2
        self.alive.copy_(alive | ~alive.any())

    def forward(self, x):
        """x (n, ...) -> logits of q(y | z1), (n, K)."""
        return self.m2(self.m1.encode(x)[0] * self.alive)

    def encode(self, x, y=None):
        """As `M2VAE.encode`: mean and log variance of z2."""
        return self.m2.encode(self.m1.encode(x)[0] * self.alive, y)

    def decode(self, z, y=None):
        """As `M2VAE.decode`, by way of the mean of z1."""
        return self.m1.decode(self.m2.to_input(self.m2.decode(z, y)))

    def log_likelihood(self, x, decoded):
        """log p(x | decoded) of M1."""
        return self.m1.log_likelihood(x, decoded)

    def to_input(self, decoded):
        """Mean of x in the user's units."""
        return self.m1.to_input(decoded)


def _dense(sizes):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers)
