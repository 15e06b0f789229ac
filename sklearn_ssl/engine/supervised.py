"""The loss of a fit without unlabeled rows, whatever the method."""

from torch import nn

__all__ = ["SupervisedLoss"]


class SupervisedLoss(nn.Module):
    """The kind of target's own loss, on a view of the labeled rows.

    Parameters
    ----------
    view : callable ``(x, generator) -> x``
    distance : callable (outputs, targets) -> tensor ()
    """

    def __init__(self, view, distance):
        super().__init__()
        self.view, self.distance = view, distance

    def forward(self, model, batch):
        loss = self.distance(model(self.view(batch.x_l, batch.generator)), batch.y_l)
        return loss, {"labeled_loss": loss}
