"""Processes that train one network together, by torch.distributed: gloo on CPUs, NCCL on GPUs."""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nas.training.memory import is_out_of_memory
from search_spaces.errors import CommandFailed, UserError

T = TypeVar("T")

_PATIENCE = timedelta(minutes=30)
"""That a process waits for the others, of which one may read the data while they wait."""
_SIGNS = ("gloo", "NCCL", "Connection closed by peer", "Connection reset by peer", "Broken pipe")
"""Words of the plain RuntimeErrors that torch raises where another process is gone."""


class ProcessLost(CommandFailed):
    """Another process of a training is gone: all begin anew."""


class ToldByFirst(Exception):
    """What process 0 raised, in the others: it is the one to tell."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The default process group of torch.distributed, seen from one of its processes."""

    rank: int
    ranks: int

    @classmethod
    def joined(cls) -> "Processes":
        """Those of the process group that this process is in."""
        return cls(dist.get_rank(), dist.get_world_size())

    def wrapped(self, model: nn.Module, freezes: bool) -> nn.Module:
        """The model in a DistributedDataParallel.

        Batch normalisation meets a process's own slices; before each step, all get the running
        statistics of process 0.
        """
        device = next(model.parameters()).device
        return DistributedDataParallel(
            model,
            device_ids=[device.index] if device.type == "cuda" else None,
            find_unused_parameters=freezes,
        )

    def total(self, values: Tensor) -> Tensor:
        """The sum over the processes."""
        total = values.clone()
        dist.all_reduce(total)
        return total

    def gathered(self, found: T) -> list[T]:
        """What each process found, in the order of their ranks."""
        everyone: list[T] = [found] * self.ranks
        dist.all_gather_object(everyone, found)
        return everyone

    def shared(self, find: Callable[[], T]) -> T:
        """What process 0 finds; where it raises an error, the others raise ToldByFirst."""
        box: list[tuple[T | None, str | None]] = [(None, None)]
        if self.rank == 0:
            try:
                box = [(find(), None)]
            except Exception as error:
                self._send([(None, str(error))])
                raise
        self._send(box)
        found, refusal = box[0]
        if refusal is not None:
            raise ToldByFirst(refusal)
        return found  # type: ignore[return-value]

    def _send(self, box: list[Any]) -> None:
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))

    def spread(self, model: nn.Module) -> None:
        """Copy the buffers of process 0."""
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)


@contextlib.contextmanager
def told_in_a_line(rank: int, ranks: int) -> Iterator[None]:
    """Inside, want of memory raises CommandFailed, and the loss of another process ProcessLost."""
    try:
        with warnings.catch_warnings():
            # Weights of depthwise convs, which channels_last lays out in one of two equal ways.
            warnings.filterwarnings("ignore", message="Grad strides do not match")
            yield
    except (RuntimeError, MemoryError) as error:
        who = f"process {rank} of {ranks}"
        if is_out_of_memory(error):
            raise CommandFailed(
                f"{who}: out of memory: more processes, or a recipe.batch_size below what it is, "
                f"need less each; the same command goes on from the checkpoint"
            ) from None
        if is_lost_process(error):
            raise ProcessLost(
                f"{who}: another process of the training is lost; "
                f"the same command goes on from the checkpoint"
            ) from None
        raise


def is_lost_process(error: BaseException) -> bool:
    """Whether an error says that another process of the group is gone."""
    if isinstance(error, dist.DistError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def backend(device: torch.device) -> str:
    """What processes on such devices talk by; the CPU's serves what is no tensor."""
    return "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"


@dataclass(frozen=True, slots=True)
class Launched:
    """What torchrun tells a process that it started."""

    rank: int
    ranks: int
    local_rank: int
    """Its number among those of this machine."""
    local_ranks: int

    @classmethod
    def read(cls) -> "Launched | None":
        """From the environment; None where no torchrun started this process with others.

        Raises UserError for an environment that makes no sense.
        """
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR")
        given = {name: os.environ.get(name) for name in names}
        if given["RANK"] is None or given["WORLD_SIZE"] is None or given["MASTER_ADDR"] is None:
            return None
        try:
            rank, ranks = int(given["RANK"]), int(given["WORLD_SIZE"])
            local_rank, local_ranks = (
                int(given[name] or other) for name, other in zip(names[2:4], (rank, 1), strict=True)
            )
        except ValueError:
            rank, ranks, local_rank, local_ranks = 0, 0, 0, 0
        if not (0 <= rank < ranks and 0 <= local_rank < ranks and local_ranks >= 1):
            told = ", ".join(f"{name}={given[name]}" for name in names[:4])
            raise UserError(f"environment: expected the numbers that torchrun sets, got {told}")
        return None if ranks == 1 else cls(rank, ranks, local_rank, local_ranks)

    @contextlib.contextmanager
    def joined(self, device: torch.device) -> Iterator[Processes]:
        """Be in a process group with the others, each of which has a device of this kind."""
        if device.type == "cuda":
            torch.cuda.set_device(device)
        with told_in_a_line(self.rank, self.ranks):
            dist.init_process_group(backend(device), timeout=_PATIENCE)
            yield Processes.joined()
            # What is left of a broken group is not to be waited for.
            dist.destroy_process_group()


def device_of(local_rank: int, local_ranks: int, asked: torch.device) -> torch.device:
    """The device of one of a machine's processes: on CUDA, a GPU of its own.

    Raises UserError where there are too few, or one and the same was asked for.
    """
    if asked.type != "cuda":
        return asked
    if asked.index is not None:
        raise UserError(f"device: {asked} is one GPU, and each process needs one; expected cuda")
    there = torch.cuda.device_count()
    if there < local_ranks:
        raise UserError(
            f"device: {local_ranks} processes on this machine need a GPU each, and there are "
            f"{there}; start fewer, or give device=cpu"
        )
    return torch.device("cuda", local_rank)


def check_group(ranks: int, batch_size: int, sync_batch_norm: bool, device: torch.device) -> None:
    """Raises UserError for what a training of so many processes cannot do."""
    if ranks > batch_size:
        raise UserError(
            f"recipe.batch_size: {batch_size} images in a batch cannot be shared by {ranks} "
            f"processes; expected at least one each"
        )
    if ranks > 1 and sync_batch_norm and device.type != "cuda":
        raise UserError(
            f"recipe.sync_batch_norm: torch has it on CUDA alone, and this trains on {device}; "
            f"expected false"
        )
