"""The processes that train one network together, each on batches of its own."""

import signal
import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import torch
from torch import distributed
from torch.nn.modules.batchnorm import _NormBase

__all__ = ["Exchange", "Ranks", "together"]

_FINE, _INTERRUPTED, _STOPPED, _FAILED = range(4)  # what a process says where all meet
_of_fit = ContextVar("ranks", default=None)


@contextmanager
def together():
    """Have the processes of `torch.distributed` fit one estimator: a decorator of ``fit``.

    What one of them raises ends the fit of all. Ctrl-C on one ends the training of all after the
    same step. Without `torch.distributed`, and in a fit within a fit, nothing happens here.
    """
    ranks = None if _of_fit.get() is not None else Ranks.of_torch()
    if ranks is None or ranks.size == 1:
        yield
        return
    token = _of_fit.set(ranks)
    try:
        with ranks.listening():
            yield
            ranks.any()  # nobody leaves while another may still fail
    except BaseException as error:
        ranks.tell(error)
        raise
    finally:
        _of_fit.reset(token)


class Ranks:
    """The processes that train together, as one of them sees them.

    All make the same calls in the same order. A process that fails goes to the next meeting of all
    (`any`, with which `same` and `gathered` begin) and says so there. Then all raise, and nothing
    is exchanged any more. With one process every call returns at once.

    Parameters
    ----------
    rank, size : int
        The number of this process, and how many there are.
    place : torch.device or None
        Where tensors must be for the backend; None: where they are.
    """

    def __init__(self, rank=0, size=1, place=None):
        self.rank, self.size, self._place = rank, size, place
        self._apart = size == 1
        self._noted = self._due = False  # Ctrl-C: that came here, that all know of
        self._raised = None

    @classmethod
    def of_torch(cls):
        """Those of the default process group, if there is one."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        place, backend = None, distributed.get_backend()
        if backend in ("gloo", "nccl"):
            place = torch.device("cpu" if backend == "gloo" else "cuda")
        return cls(distributed.get_rank(), distributed.get_world_size(), place)

    @classmethod
    def of_fit(cls):
        """Those of the fit that runs, inside of `together`."""
        return _of_fit.get() or cls()

    # ---------------------------------------------------------------- errors

    @contextmanager
    def listening(self):
        """Keep Ctrl-C for the next meeting, where all raise KeyboardInterrupt at once."""
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(before):
            yield
            return

        def note(*interrupt):
            if self._raised is not None:  # training has ended by an earlier one
                before(*interrupt)
            self._noted = True

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def tell(self, error):
        """Have the others raise where they next meet; the caller raises ``error`` itself."""
        if not self._apart and error is not self._raised:
            state = _STOPPED if isinstance(error, KeyboardInterrupt) else _FAILED
            with suppress(Exception):  # the error itself says more
                self._meet(state, error=error)

    def _meet(self, state, flag=False, error=None):
        """Return whether a process has the flag; raise if one has failed or was interrupted."""
        with self._reaching_all():
            status = torch.tensor([state, int(flag)], device=self._place)
            distributed.all_reduce(status, distributed.ReduceOp.MAX)
            worst, flag = status.tolist()
            told = [None] * self.size
            if worst == _FAILED:
                text = None if error is None else f"{type(error).__name__}: {error}"
                distributed.all_gather_object(told, text)
        if worst == _INTERRUPTED:
            self._noted, self._due = False, True
        if worst in (_FINE, _INTERRUPTED):
            return bool(flag)
        self._apart = True
        if worst == _STOPPED and error is None:
            raise KeyboardInterrupt
        if error is None:
            failed = next(rank for rank, text in enumerate(told) if text is not None)
            raise RuntimeError(
                f"Process {failed} of {self.size} failed, which ends the fit of all: {told[failed]}"
            )
        return False

    @contextmanager
    def _reaching_all(self):
        try:
            yield
        except RuntimeError as error:
            self._apart = True
            raise RuntimeError(
                f"Process {self.rank} of {self.size} cannot reach the others, which ends its fit. "
                f"Another one has ended, or does not call fit as this one does. {error}"
            ) from error

    # --------------------------------------------------- meetings, and values

    def any(self, flag=False, later=False):
        """Whether one process at least has the flag: a meeting of all.

        With ``later`` an interrupt waits for the end of what all do together, see `interrupt`.
        """
        if self._apart:
            return flag
        flag = self._meet(_INTERRUPTED if self._noted else _FINE, flag)
        if not later:
            self.interrupt()
        return flag

    def interrupt(self):
        """Raise KeyboardInterrupt if Ctrl-C on some process was told to all."""
        if self._due:
            self._due, self._raised = False, KeyboardInterrupt()
            raise self._raised

    def same(self, value, later=False):
        """Return the value that the first process has, of any kind that pickle knows."""
        self.any(later=later)
        if self._apart:
            return value
        held = [value]
        with self._reaching_all():
            distributed.broadcast_object_list(held, 0)
        return held[0]

    def gathered(self, value, later=False):
        """Return the values of all, in the order of ranks."""
        self.any(later=later)
        if self._apart:
            return [value]
        held = [None] * self.size
        with self._reaching_all():
            distributed.all_gather_object(held, value)
        return held

    def must_agree(self, make_facts):
        """Raise on all if they differ in ``make_facts()``, a dict of str to str."""
        if self._apart:
            return
        facts = self.gathered(make_facts())
        differ = []
        for name in sorted({name for own in facts for name in own}):
            values = [own.get(name) for own in facts]
            other = next((r for r, value in enumerate(values) if value != values[0]), None)
            if other is not None:
                differ.append(f"{name} ({values[0]} on process 0, {values[other]} on {other})")
        if differ:
            raise ValueError(
                f"The processes that train together were given different {', '.join(differ)}. "
                "Give all of them all rows and labels, the same parameters, and an int as "
                "random_state: each draws batches of its own."
            )

    # --------------------------------------- tensors, at once after a meeting

    @torch.no_grad()
    def mean_(self, tensors):
        """Replace floating tensors by their means over the processes."""
        if self._apart or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        shared = flat.to(self._place or flat.device)
        with self._reaching_all():
            distributed.all_reduce(shared)
        shared /= self.size
        for tensor, part in zip(tensors, _split(shared, tensors), strict=True):
            tensor.copy_(part.view(tensor.shape))

    @torch.no_grad()
    def first_(self, tensors):
        """Replace tensors of any kind by those of the first process, bit for bit."""
        if self._apart or not tensors:
            return
        own = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in tensors]
        flat = torch.cat(own)
        shared = flat.to(self._place or flat.device)
        with self._reaching_all():
            distributed.broadcast(shared, 0)
        for tensor, part in zip(tensors, _split(shared, own), strict=True):
            tensor.copy_(part.clone().view(tensor.dtype).view(tensor.shape))  # clone: aligned

    @torch.no_grad()
    def rows_(self, tables, rows):
        """Write what each process has in its rows of the tables into those of all, by rank.

        Parameters
        ----------
        tables : list of tensors (n, ...)
        rows : tensor (m,) of int64
            As many on each process. A row of several processes becomes that of the last one.
        """
        if self._apart or not tables or not len(rows):
            return
        values = [table[rows].double().reshape(len(rows), -1) for table in tables]
        own = torch.cat([rows.double()[:, None], *values], 1)  # whole numbers below 2^53 are exact
        own = own.to(self._place or own.device)
        parts = [torch.empty_like(own) for _ in range(self.size)]
        with self._reaching_all():
            distributed.all_gather(parts, own)
        widths = [1, *(part.shape[1] for part in values)]
        for part in parts:
            index, *columns = part.to(rows.device).split(widths, 1)
            index = index[:, 0].long()
            for table, column in zip(tables, columns, strict=True):
                table[index] = column.to(table.dtype).view(len(rows), *table.shape[1:])


def _split(flat, tensors):
    return flat.split([tensor.numel() for tensor in tensors])


class Exchange:
    """What processes exchange after the backward pass of a step, so that all go on alike.

    - Gradients become their means. A parameter that has none on some processes counts as 0 there.
    - So do floating buffers of network and loss that have changed, such as BatchNorm's statistics
      and running class shares. Other buffers that have changed become those of the first process.
    - Buffers that the loss names in ``per_row`` have an entry for each row of X: the rows of all
      batches are written. Those that it names in ``of_first`` are numbers, but no means.

    Parameters
    ----------
    ranks : Ranks
    net : SSLNet
    """

    def __init__(self, ranks, net):
        loss, self.ranks = net.criterion_, ranks
        if ranks.size == 1:
            return
        groups = net.optimizer_.param_groups
        self._parameters = [parameter for group in groups for parameter in group["params"]]
        self._tables = list(getattr(loss, "per_row", ()))
        apart = {(loss, name) for name in getattr(loss, "of_first", ())}
        self._loss, self._buffers, self._is_mean = loss, [], []
        for module in (*net.module_.modules(), *loss.modules()):
            for name, buffer in module.named_buffers(recurse=False):
                if module is not loss or name not in self._tables:
                    self._buffers.append((module, name))
                    floating = buffer.is_floating_point()
                    self._is_mean.append(floating and (module, name) not in apart)
        self._there = self._there_on_any = None
        self._remember()

    def _remember(self):
        now = [getattr(module, name) for module, name in self._buffers]
        self._before = [(buffer, buffer._version) for buffer in now]

    def _has_changed(self, position):
        module, name = self._buffers[position]
        if isinstance(module, _NormBase):  # whose statistics change without a new version
            return module.training and name != "num_batches_tracked"
        now, (before, version) = getattr(module, name), self._before[position]
        return now is not before or now._version != version

    def after_backward(self, rows):
        """Exchange; ``rows`` are the numbers of the unlabeled rows of the batch."""
        if self.ranks.size == 1:
            return
        n = len(self._parameters)
        there = [p.grad is not None for p in self._parameters]
        there += [self._has_changed(position) for position in range(len(self._buffers))]
        if self.ranks.any(there != self._there, later=True):  # else nothing is new on any process
            of_all = zip(*self.ranks.gathered(there, later=True), strict=True)
            self._there, self._there_on_any = there, [any(bits) for bits in of_all]
        means, firsts = [], []
        for parameter, has in zip(self._parameters, self._there_on_any[:n], strict=True):
            if has and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if has:
                means.append(parameter.grad)
        for (module, name), is_mean, has in zip(
            self._buffers, self._is_mean, self._there_on_any[n:], strict=True
        ):
            if has:
                (means if is_mean else firsts).append(getattr(module, name))
        self.ranks.mean_(means)
        self.ranks.first_(firsts)
        self.ranks.rows_([getattr(self._loss, name) for name in self._tables], rows)
        self._remember()
        self.ranks.interrupt()
