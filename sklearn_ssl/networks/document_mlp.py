"""The automatic network for documents."""

import torch
from torch import nn

from ..inputs.sparse_rows import SparseRows
from .mlp import hidden_blocks

__all__ = ["DocumentMLP"]


class _Words(nn.Module):
    """Linear, without a bias, of rows that are brought to one length: the cosine counts."""

    def __init__(self, n_words, size):
        super().__init__()
        bound = n_words**-0.5  # as nn.Linear starts
        self.weight = nn.Parameter(torch.empty(n_words, size).uniform_(-bound, bound))

    def forward(self, x):
        if isinstance(x, SparseRows):
            squares = torch.zeros(len(x), dtype=torch.float64, device=x.device)
            squares.index_add_(0, x.row_numbers(), x.kept.double().square())
        else:
            squares = x.double().square().sum(1)
        length = squares.where(squares > 0, 1.0).sqrt().to(x.dtype)
        return (x @ self.weight) * (len(self.weight) ** 0.5 / length)[:, None]


class DocumentMLP(nn.Module):
    """Rows of length 1, then Linear-BatchNorm-ReLU-Dropout blocks, then logits.

    Columns are neither shifted nor scaled: in counts and tf-idf weights their size says how much a
    word counts, and rare words would count most if all columns varied alike.

    Parameters
    ----------
    input_shape : tuple (d,)
        Number of words.
    n_classes : int
        Outputs, K.
    hidden_layer_sizes : sequence of int
        Widths of the blocks, at least one.
    dropout : float in [0, 1)
        After each block.

    Notes
    -----
    ``reads_sparse`` tells a fit on sparse rows to leave them so: batches, views and the product
    with the first layer then cost as much as there are words in the rows. The step of the optimizer
    and the averages still go over the weights of the whole vocabulary.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import DocumentMLP
    >>> DocumentMLP((200,), n_classes=3)(torch.ones(2, 200)).shape
    torch.Size([2, 3])
    """

    reads_sparse = True

    def __init__(self, input_shape, n_classes, hidden_layer_sizes=(256,), dropout=0.5):
        super().__init__()
        if not hidden_layer_sizes:
            raise ValueError("hidden_layer_sizes needs at least one width for documents.")
        blocks, width = hidden_blocks(input_shape[0], hidden_layer_sizes, dropout, first=_Words)
        self.layers = nn.Sequential(*blocks, nn.Linear(width, n_classes))

    def forward(self, x):
        """Classify rows.

        Parameters
        ----------
        x : tensor (n, d)
            Rows.

        Returns
        -------
        tensor (n, K)
            Logits.
        """
        return self.layers(x)
