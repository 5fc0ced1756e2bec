"""The networks that settings ask to train whole, and their trainings, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nas.verbs.config import Config
from nas.verbs.member_pixels import pixels_in
from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown, told_under
from search_spaces.files import expanded
from search_spaces.yaml_io import load_arch, read_about

if TYPE_CHECKING:
    from nas.networks.trained import Card

_LONGEST_NAME = 255
"""Bytes of the name of a file or folder, on the usual file systems."""
FOLDER = "trained"
"""What is in a run folder of networks that were trained whole, a folder each."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A network that is to be trained."""

    name: str
    """The name of its folder."""
    arch: Arch
    phi: float = 0.0
    """By how much it is larger than the baseline of its family."""


def trained(asked: Sequence[Asked], config: Config, run: Path) -> "dict[str, Card]":
    """Train each network that is asked for, or go on; what each is worth, by its name.

    Of several processes that train together the first alone says so; others give nothing. Raises
    UserError as `Trainings` does.
    """
    from nas.verbs.training import Trainings  # brings torch
    from nas.verbs.training_crew import crew

    with crew(config) as processes:
        trainings = Trainings.of(config, run, processes)
        cards = {each.name: trainings.train(each.name, each.arch, each.phi) for each in asked}
        return cards if processes.group.rank == 0 else {}


def asked_networks(config: Config, run: Path) -> list[Asked]:
    """The networks to train. Raises UserError where none, or another than there is, is named."""
    network, members, resolution = config["network"], config["members"], config["resolution"]
    if (network is None) == (members is None):
        raise UserError(
            "network: expected one network, as in nas-search train efficientnet_b0, or "
            "members=[b0] run=… for those of a run folder's family"
        )
    if network is not None:
        given = [(_plain_name(network), network)]
    else:
        given = [(name, str(_member(name, run))) for name in member_names(members)]
    if config["name"] is not None:
        if len(given) > 1:
            raise UserError("name: expected null for several members, each has its own")
        given = [(_folder_name(config["name"]), given[0][1])]
    found = []
    for name, reference in given:
        setting = "network: " if members is None else "members: "
        with told_under(setting):
            arch = load_arch(reference)
        if arch.in_channels != 3:
            raise UserError(
                f"{setting}{reference}: in_channels: expected 3, got {arch.in_channels}"
            )
        pixels = resolution or (arch.resolution if members is None else pixels_in(run, arch))
        with told_under(f"resolution: {pixels} px: "):
            seen = arch.replace(resolution=pixels)
        found.append(Asked(name, seen, _phi(reference)))
    return found


def asked_network(network: Arch, config: Config, run: Path) -> Asked:
    """A network that is to be trained as the member of the run folder's family that it is.

    It is trained as it stands where the family has no such member. Raises UserError for a name or
    pixels that it cannot have.
    """
    label = _label(network, run)
    name = _folder_name(config["name"] or label or network.name)
    own = network.resolution if label is None else pixels_in(run, network)
    pixels = config["resolution"] or own
    if network.in_channels != 3:
        raise UserError(f"network: in_channels: expected 3, got {network.in_channels}")
    with told_under(f"resolution: {pixels} px: "):
        seen = network.replace(resolution=pixels)
    return Asked(name, seen, 0.0 if label is None else _phi(str(_member(label, run))))


def _label(network: Arch, run: Path) -> str | None:
    """What the run folder's family calls a network; None where it has no such."""
    for path in sorted((run / "family").glob("*.yaml")):
        if load_arch(str(path)).key() == network.key():
            return path.stem
    return None


def member_names(members: object) -> Sequence[str]:
    """The members' names. Raises UserError for what is no list of different ones."""
    if not isinstance(members, list) or not members:
        raise UserError(f"members: expected a list such as [b0,b2], got {shown(members)}")
    names = [str(each) for each in members]
    if len(set(names)) < len(names):
        raise UserError(f"members: expected each once, got {', '.join(names)}")
    return names


def _member(name: str, run: Path) -> Path:
    path = run / "family" / f"{_folder_name(name)}.yaml"
    if not path.is_file():
        there = sorted(each.stem for each in (run / "family").glob("*.yaml"))
        hint = f"it has {', '.join(there)}" if there else "nas-search scale writes one; give run=…"
        raise UserError(f"members: {run / 'family'} has no {name}; {hint}")
    return path


def _plain_name(reference: str) -> str:
    return Path(reference).stem if reference.endswith((".yaml", ".yml")) else reference


def _folder_name(name: str) -> str:
    if Path(name).name != name or name.startswith(".") or not name.isprintable():
        raise UserError(f"name: expected the name of a folder, got {shown(name)}")
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        raise UserError(f"name: longer than the {_LONGEST_NAME} bytes that a folder's may have")
    return name


def _phi(reference: str) -> float:
    """The φ that a network's file says it is larger by; 0 where it says none."""
    path = expanded(reference)
    phi = read_about(path).get("phi", 0.0) if path.is_file() else 0.0
    return float(phi) if isinstance(phi, int | float) and abs(phi) < 1000 else 0.0
