"""What a module around a network says in its name."""

__all__ = ["AroundNetwork"]


class AroundNetwork:
    """A module around a network that sees the rows; ``inside`` is the name of the network.

    What the engine asks of a network, it is told of the one inside: ``reads_sparse``, whether it
    takes sparse rows, and ``start_from``, the method that is given rows before the first step,
    which there is only if the network inside has it.
    """

    inside = "network"

    @property
    def reads_sparse(self):
        """Whether the network inside does."""
        return getattr(getattr(self, self.inside), "reads_sparse", False)

    @property
    def start_from(self):
        """That of the network inside, if it has one."""
        return getattr(self, self.inside).start_from
