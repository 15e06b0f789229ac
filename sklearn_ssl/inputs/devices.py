"""Ways to a device on which the host does not wait for it."""

__all__ = ["to_device"]


def to_device(x, device):
    """Copy a tensor to the device; the host goes on meanwhile.

    Parameters
    ----------
    x : tensor
        On the host, or on the device, where it stays as it is.
    device : torch.device
        Where to.

    Returns
    -------
    tensor
        The same values.
    """
    if device.type == "cuda" and not x.is_cuda:
        x = x.pin_memory()  # the driver copies by itself from such memory alone
    return x.to(device, non_blocking=True)
