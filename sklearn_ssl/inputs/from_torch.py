"""Tensors that users bring, as arrays."""

import torch

__all__ = ["to_numpy"]


def to_numpy(value):
    """A torch tensor as an ndarray, whatever its graph, device and precision; all else as it is."""
    if not isinstance(value, torch.Tensor):
        return value
    try:
        value = value.detach().cpu()
        if value.is_floating_point() and value.dtype.itemsize < 4 and value.dtype != torch.float16:
            value = value.float()  # bfloat16, which numpy does not have
        return value.resolve_conj().resolve_neg().numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ValueError(
            f"A tensor of layout {value.layout} on device {value.device} cannot be read as an "
            f"array: give a dense one, X.to_dense(), or a sparse matrix of scipy ({error})."
        ) from error
