"""Views of documents (n, d): bags of words."""

from dataclasses import dataclass

import torch

from ..inputs.sparse_rows import SparseRows

__all__ = ["DropWords"]


@dataclass(frozen=True)
class DropWords:
    """Set each value that is not 0 to 0 with probability p, and divide the others by 1 - p.

    Parameters
    ----------
    p : float in [0, 1)
        Share of the words of a row that are dropped.

    References
    ----------
    Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text
    Classification", ACL, section 3.1, drop words in training.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import DropWords
    >>> x = torch.tensor([[0.0, 1.0, 3.0, 0.0]])
    >>> view = DropWords(0.5)(x, torch.Generator().manual_seed(0))
    >>> bool(((view == 0) | (view == 2 * x)).all())
    True
    """

    p: float = 0.1

    def __call__(self, x, generator):
        """(n, d) -> (n, d)."""
        if isinstance(x, SparseRows):
            return x.with_values(self._some(x.kept, generator))
        if x.device.type != "cpu":  # where counting the words would make the host wait
            return self._some(x, generator)
        places = x.nonzero(as_tuple=True)
        return torch.zeros_like(x).index_put(places, self._some(x[places], generator))

    def _some(self, values, generator):
        keep = torch.rand(values.shape, generator=generator, device=values.device) >= self.p
        return values * keep / (1 - self.p)
