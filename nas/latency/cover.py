"""Few networks of a space that between them hold every block a network of it can have."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nas.latency.table import block_part, parts
from search_spaces.arch import Arch
from search_spaces.blocks import blocks_by_stage, stage_sizes
from search_spaces.choices import Scalar
from search_spaces.errors import UserError
from search_spaces.space import Space

_MOST_STEPS = 50_000

_State = tuple[int, int]
"""Channels and side of the map between two stages."""
_Values = dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class _Step:
    """One way to fill a stage: what it is fed, what is chosen, what comes out."""

    before: _State
    chosen: _Values
    parts: frozenset[str]
    after: _State


def covering(space: Space, times: int, seed: int) -> list[Arch]:
    """Networks of `space`, each of whose parts is in one of them at least, and in `times` of them
    where chance does not choose the same network twice.

    Raises UserError for a space of too many different blocks to be timed.
    """
    rng = random.Random(seed)
    found: dict[str, Arch] = {}
    counts: Counter[str] = Counter()
    for network in _combinations(space, None):
        layers = _steps(space, network)
        needed = sorted({part for steps in layers for step in steps for part in step.parts})
        while missing := [part for part in needed if counts[part] < times]:
            path = _path(layers, rng.choice(missing), counts, times, rng)
            arch = space.decode({**network, **path})
            counts.update(set(parts(arch)))
            found[arch.key()] = arch
    return list(found.values())


def _combinations(space: Space, stage: int | None) -> Iterator[_Values]:
    """Every way to make the choices of one stage, or of the network as a whole."""
    choices = [choice for choice in space.choices if choice.stage == stage]
    for options in itertools.product(*(choice.options for choice in choices)):
        yield {choice.name: option for choice, option in zip(choices, options, strict=True)}


def _steps(space: Space, network: _Values) -> list[list[_Step]]:
    """All steps that can be reached, for each stage."""
    defaults = {choice.name: choice.options[0] for choice in space.choices} | network
    reached: dict[_State, _Values] = {}
    layers: list[list[_Step]] = []
    for index in range(len(space.base.stages)):
        steps: list[_Step] = []
        following: dict[_State, _Values] = {}
        for before, path in reached.items() if index else [(None, {})]:
            for chosen in _combinations(space, index):
                arch = space.decode({**defaults, **path, **chosen})
                sizes = stage_sizes(arch)
                after = sizes[index + 1]
                steps.append(_Step(before or sizes[0], chosen, _parts(arch, index), after))
                following.setdefault(after, {**path, **chosen})
                if len(steps) > _MOST_STEPS:
                    raise UserError(
                        f"space {space.name}: stage {index} can be filled in over {_MOST_STEPS} "
                        f"ways, too many to time each"
                    )
        layers.append(steps)
        reached = following
    return layers


def _parts(arch: Arch, index: int) -> frozenset[str]:
    """The parts of one stage; the head, which follows from the last, is counted with that."""
    stage = blocks_by_stage(arch)[index]
    found = {block_part(block, arch) for block in stage if not block.is_nothing()}
    return frozenset(found | {parts(arch)[-1]} if index == len(arch.stages) - 1 else found)


def _path(
    layers: Sequence[Sequence[_Step]],
    part: str,
    counts: Counter[str],
    times: int,
    rng: random.Random,
) -> _Values:
    """Choices of a network that has `part`, and as much else that is missing as fits around it."""

    def best(steps: list[_Step]) -> _Step:
        rng.shuffle(steps)
        return max(steps, key=lambda step: sum(max(0, times - counts[p]) for p in step.parts))

    index = next(i for i, steps in enumerate(layers) if any(part in step.parts for step in steps))
    middle = best([step for step in layers[index] if part in step.parts])
    chosen = dict(middle.chosen)
    state = middle.before
    for steps in reversed(layers[:index]):
        step = best([step for step in steps if step.after == state])
        chosen |= step.chosen
        state = step.before
    state = middle.after
    for steps in layers[index + 1 :]:
        step = best([step for step in steps if step.before == state])
        chosen |= step.chosen
        state = step.after
    return chosen
