"""All that the rest of a training depends on: taken, and put back."""

import torch

__all__ = ["State"]


class State:
    """Weights, optimizer, history and draws of one training.

    Parameters
    ----------
    net : SSLNet
    batches : PairedBatches
    ranks : Ranks
        Weights, optimizer and history are the same on all; each draws for itself.
    """

    def __init__(self, net, batches, ranks):
        self.net, self.batches, self.ranks = net, batches, ranks
        averaged = [] if net.ema_decay is None else [net.ema_module_]
        self._modules = [net.module_, net.criterion_, *averaged]

    def begin_alike(self):
        """Give all processes the weights and buffers of the first one."""
        self.ranks.any()
        held = [value for module in self._modules for value in module.state_dict().values()]
        self.ranks.first_([value for value in held if isinstance(value, torch.Tensor)])

    def weights(self):
        """Copies of network, loss and averages: list of dicts of tensors."""
        return [{k: v.clone() for k, v in m.state_dict().items()} for m in self._modules]

    def restore(self, weights):
        """Put `weights` back."""
        for module, state in zip(self._modules, weights, strict=True):
            module.load_state_dict(state)

    def taken(self, **more):
        """Return all of it as tensors and plain values, and ``more``: a dict."""
        net = self.net
        history = [
            {k: getattr(v, "item", lambda v=v: v)() for k, v in record.items() if k != "batches"}
            for record in net.history
        ]
        first, *others = self.ranks.gathered(self._draws())
        return {
            "step": net.step_,
            "weights": self.weights(),
            "optimizer": net.optimizer_.state_dict(),
            "history": history,
            **first,
            "others": others,
            **more,
        }

    def put_back(self, state):
        """Go on from what was `taken`, by as many processes."""
        net = self.net
        net.step_ = state["step"]
        self.restore(state["weights"])
        net.optimizer_.load_state_dict(state["optimizer"])
        for record in state["history"]:
            net.history.new_epoch()
            for name, value in record.items():
                net.history.record(name, value)
        own = [state, *state["others"]][self.ranks.rank]
        self.batches.load_state_dict(own["batches"])
        torch.set_rng_state(own["generator"])
        if own["cuda"] is not None:
            torch.cuda.set_rng_state(own["cuda"], torch.device(net.device))

    def _draws(self):
        """Where the batches and the generators of this process are."""
        device = torch.device(self.net.device)
        on_cuda = device.type == "cuda"
        return {
            "batches": self.batches.state_dict(),
            "generator": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(device) if on_cuda else None,
        }
