"""Where the trainings of a command run: this process, those of torchrun, or Ray's workers."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from nas.executors.ray_cluster import RaySettings
from nas.networks.trained import Card
from nas.training.devices import device_named
from nas.training.group import ALONE, Group
from nas.training.plan import Plan
from nas.training.processes import Launched, ToldByFirst, device_of
from nas.training.train import Watch, train
from nas.verbs.config import Config
from nas.verbs.cores import available
from search_spaces.errors import CommandFailed, UserError
from search_spaces.parsing import closest, from_mapping

_NAMES = ("local", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The processes that train a network together."""

    group: Group
    """Those that run this command."""
    processes: int
    """How many train, as far as the settings say."""
    device: torch.device
    """What each of them trains on."""
    cores: int
    """Those of the CPU that each of them has."""
    train: Callable[[Plan, Path, Watch], Card]


def executor_name(config: Config) -> str:
    """The executor of the settings. Raises UserError for one that trains no network whole."""
    name = str(config["executor"]["name"])
    if name not in _NAMES:
        raise UserError(
            f"executor.name: got {name!r}{closest(name, _NAMES)}; whole trainings run with local "
            f"or ray"
        )
    return name


@contextmanager
def crew(config: Config) -> Iterator[Crew]:
    """The processes that the settings, or torchrun's environment, ask for.

    Inside, what is a mistake in every process is told by process 0 alone. Raises UserError for
    processes that this machine cannot have.
    """
    name, launched = executor_name(config), Launched.read()
    if name == "ray":
        if launched is not None:
            raise UserError("executor: ray starts processes of its own; expected no torchrun")
        yield _of_ray(config)
    elif launched is None:
        yield Crew(
            group=ALONE,
            processes=1,
            device=device_named(config["device"], "device"),
            cores=available(),
            train=train,
        )
    else:
        with _told_once(launched):
            asked = device_named(config["device"], "device")
            device = device_of(launched.local_rank, launched.local_ranks, asked)
            with launched.joined(device) as group:
                yield Crew(
                    group=group,
                    processes=launched.ranks,
                    device=device,
                    cores=max(1, available() // launched.local_ranks),
                    train=lambda plan, folder, watch: train(plan, folder, watch, group),
                )


def _of_ray(config: Config) -> Crew:
    settings: RaySettings = from_mapping(RaySettings, config["ray"], "ray")
    if settings.gpus not in (0, 1):
        raise UserError(
            f"ray.gpus: each process trains on one GPU or on none; expected 0 or 1, got "
            f"{settings.gpus:g}"
        )
    kind = "cuda" if settings.gpus else "cpu"
    if config["device"] not in ("auto", kind):
        raise UserError(
            f"device: with ray.gpus={settings.gpus:g} processes train on {kind}, "
            f"got {config['device']}"
        )
    processes = settings.workers or 1
    if settings.gpus and settings.is_local and processes > (there := torch.cuda.device_count()):
        raise UserError(
            f"ray.gpus: {processes} processes on this machine need a GPU each, "
            f"and there are {there}"
        )
    settings.check()

    def by_ray(plan: Plan, folder: Path, watch: Watch) -> Card:
        from nas.executors.ray_train import train_with_ray  # brings Ray

        return train_with_ray(settings, config["max_failures"], plan, folder, watch)

    return Crew(
        group=ALONE,
        processes=processes,
        device=torch.device(kind),
        cores=max(1, int(settings.cpus)),
        train=by_ray,
    )


@contextmanager
def _told_once(launched: Launched) -> Iterator[None]:
    """Inside, what all processes know alike is said by process 0, and others say who they are."""
    if launched.rank == 0:
        yield
        return
    logging.disable(logging.WARNING)
    try:
        yield
    except ToldByFirst:
        raise SystemExit(1) from None
    except (UserError, CommandFailed) as error:
        who = f"process {launched.rank} of {launched.ranks}: "
        raise type(error)(f"{who}{str(error).removeprefix(who)}") from None
