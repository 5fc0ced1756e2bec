"""A search space: a base network, and what may vary in it."""

import dataclasses
import itertools
import math
import operator
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from search_spaces.arch import Arch
from search_spaces.choices import (
    Choice,
    Scalar,
    check_together,
    fields_together,
    most_layers,
    network_choices,
    stage_choices,
)
from search_spaces.encoding import find
from search_spaces.errors import UserError, shown
from search_spaces.limits import MOST_CHOICES, MOST_LAYERS, MOST_OPTIONS
from search_spaces.parsing import closest, from_mapping
from search_spaces.stage import Stage
from search_spaces.yaml_io import load_arch

Params = Mapping[str, Scalar]
Part = TypeVar("Part", Stage, Arch)

_MEMO_LIMIT = 65536


@dataclass(frozen=True)
class Space:
    """The networks that a base becomes as its choices are made.

    Params name one option of each choice: `{"s1_kernel": 5, …}`.
    """

    name: str
    base: Arch
    choices: tuple[Choice, ...]
    written: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    """The plain data that it was loaded from, where it was."""
    _network: "_Decoder[Arch]" = field(init=False, repr=False, compare=False)
    _stages: "tuple[_Decoder[Stage], ...]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        of: dict[int | None, list[Choice]] = {}
        for choice in self.choices:
            of.setdefault(choice.stage, []).append(choice)
        network = _Decoder(self.base.replace(name=self.name), tuple(of.get(None, ())))
        stages = tuple(
            _Decoder(stage, tuple(of.get(index, ())))
            for index, stage in enumerate(self.base.stages)
        )
        object.__setattr__(self, "_network", network)
        object.__setattr__(self, "_stages", stages)

    @property
    def size(self) -> int:
        """How many combinations of options there are."""
        return math.prod(len(choice.options) for choice in self.choices)

    def of_classes(self, num_classes: int) -> "Space":
        """Make the same space of networks that tell so many classes apart."""
        return dataclasses.replace(self, base=self.base.replace(num_classes=num_classes))

    def decode(self, params: Params) -> Arch:
        """The network that `params` stand for; raises UserError where they do not fit."""
        if len(params) != len(self.choices):
            self._check(params)
        try:
            stages = tuple([stage.decode(params) for stage in self._stages])
            return self._network.decode(params).replace(stages=stages)
        except (KeyError, TypeError):  # no such name or option, or one that is not hashable
            self._check(params)
            raise

    def encode(self, arch: Arch) -> dict[str, Scalar]:
        """Params of `arch`, whatever its name and spelling: they decode to its key().

        Raises UserError where it is not in the space, saying what does not fit.
        """
        try:
            params = self._encode_network(arch)
            network = self._network.decode(params)
            params |= find(arch, network, [(part.base, part.choices) for part in self._stages])
        except UserError as error:
            raise UserError(f"{arch.name} is not in space {self.name}: {error}") from None
        return {choice.name: params[choice.name] for choice in self.choices}

    def neighbours(self, params: Params) -> Iterator[dict[str, Scalar]]:
        """All params that differ from `params` in exactly one choice."""
        self._check(params)
        for choice in self.choices:
            for option in choice.options:
                if option != params[choice.name]:
                    yield {**params, choice.name: option}

    def sample(self, rng: random.Random) -> dict[str, Scalar]:
        """Params drawn uniformly."""
        return {choice.name: rng.choice(choice.options) for choice in self.choices}

    def _encode_network(self, arch: Arch) -> dict[str, Scalar]:
        """What is not of the stages; raises UserError where `arch` differs in what is fixed."""
        params: dict[str, Scalar] = {}
        varied = {choice.name: choice for choice in self._network.choices}
        for name, value in _around_stages(arch).items():
            if name in varied:
                varied[name].check(value)
                params[name] = value
            elif name != "se" or any(stage.se for stage in arch.stages):
                expected = _around_stages(self.base)[name]
                if value != expected:
                    raise UserError(f"{name}: expected {expected}, got {value}")
        return params

    def _check(self, params: Params) -> None:
        names = {choice.name for choice in self.choices}
        for name in params:
            if name not in names:
                raise UserError(f"no choice {name!r} in space {self.name}{closest(name, names)}")
        for choice in self.choices:
            if choice.name not in params:
                raise UserError(f"choice '{choice.name}' of space {self.name} is missing")
            choice.check(params[choice.name])


class _Decoder(Generic[Part]):
    """Makes the choices of one stage, or of the network as a whole; remembers what it made."""

    def __init__(self, base: Part, choices: tuple[Choice, ...]) -> None:
        self.base: Part = base
        self.choices = choices
        self._effects = [dict(zip(c.options, c.effects, strict=True)) for c in choices]
        names = [choice.name for choice in choices]
        self._pick: Callable[[Params], Any] | None = operator.itemgetter(*names) if names else None
        self._made: dict[object, Part] = {}

    def decode(self, params: Params) -> Part:
        """Raises KeyError for a missing name or unknown option, TypeError for an unhashable one."""
        if self._pick is None:
            return self.base
        chosen = self._pick(params)
        made = self._made.get(chosen)
        return self._make(chosen) if made is None else made

    def _make(self, chosen: Any) -> Part:
        options = chosen if len(self._effects) > 1 else (chosen,)
        made = [effects[o] for effects, o in zip(self._effects, options, strict=True)]
        part: Part = self.base.replace(**fields_together(made))
        if len(self._made) >= _MEMO_LIMIT:
            self._made.clear()
        self._made[chosen] = part
        return part


def _around_stages(arch: Arch) -> dict[str, Any]:
    """The fields that tell networks of equal stages apart."""
    fields = {f.name: getattr(arch, f.name) for f in dataclasses.fields(arch)}
    del fields["name"], fields["stages"]
    if not arch.head.has_conv:
        fields["head"] = arch.head.kind
    return fields


def load_space(data: object, source: str = "space") -> Space:
    """A space from plain data such as YAML gives; `source` names it in errors.

    Fields: `name`; `base`, a zoo name, a path to YAML, or the fields of an Arch; `vary`, what
    varies in every stage; `stages`, by index, what replaces it there (null: as in the base);
    `network`, what varies for the whole network. Raises UserError with the path.
    """
    fields = _mapping(data, source)
    known = ("name", "base", "vary", "stages", "network")
    for name in fields:
        if name not in known:
            raise UserError(f"{source}: unknown field {shown(name)}{closest(name, known)}")
    name = fields.get("name", "custom")
    if not isinstance(name, str):
        raise UserError(f"{source}.name: expected a string, got {shown(name)}")
    base = _base(fields, source)
    network = _mapping(fields.get("network", {}), f"{source}.network")
    _check_number(fields, network, len(base.stages), source)
    varied = [
        stage_choices(stage, index, own, f"{source}.stages.{index}")
        for index, (stage, own) in enumerate(
            zip(base.stages, _written(fields, len(base.stages), source), strict=True)
        )
    ]
    _check_combined(varied, source)
    base = base.replace(stages=tuple(stage for stage, _ in varied))
    base, whole = network_choices(base, network, f"{source}.network")
    choices = (*itertools.chain(*(own for _, own in varied)), *whole)
    if len(choices) > MOST_CHOICES:
        raise UserError(f"{source}: {len(choices)} choices; expected at most {MOST_CHOICES}")
    try:
        return Space(name, base, choices, fields)
    except UserError as error:
        raise error.under(f"{source}.") from None


def _check_number(
    fields: Mapping[Any, object], network: Mapping[Any, object], stages: int, source: str
) -> None:
    """Raises UserError where more options are written than a space may have."""
    vary, overrides = fields.get("vary"), fields.get("stages")
    written = [network, *(overrides.values() if isinstance(overrides, Mapping) else ())]
    options = sum(_values(one) for one in written if one)
    options += stages * _values(vary) if vary else 0
    if options > MOST_OPTIONS:
        raise UserError(f"{source}: {options} options; expected at most {MOST_OPTIONS} in all")


def _values(written: object) -> int:
    """How many values stand in what was written; at least one."""
    if isinstance(written, Mapping):
        return max(1, sum(map(_values, written.values())))
    return max(1, sum(map(_values, written))) if isinstance(written, list | tuple) else 1


def _check_combined(varied: Sequence[tuple[Stage, tuple[Choice, ...]]], source: str) -> None:
    """Raises UserError where options together make what no network can be."""
    layers = sum(most_layers(stage, choices) for stage, choices in varied)
    if layers > MOST_LAYERS:
        raise UserError(f"{source}: up to {layers} layers in all; expected at most {MOST_LAYERS}")
    for index, (stage, choices) in enumerate(varied):
        check_together(stage, choices, f"{source}.stages.{index}")


def space_identity(space: Space, data: Any) -> dict[str, Any]:
    """What a space is, wherever its base's file lies: `data`, and the base by its key.

    `data` is what the space was loaded from.
    """
    fields = {name: value for name, value in data.items() if name != "base"}
    base = load_space({"base": data["base"]}).base
    return {**fields, "base": base.replace(num_classes=space.base.num_classes).key()}


def _base(fields: Mapping[Any, object], source: str) -> Arch:
    base = fields.get("base")
    if base is None:
        raise UserError(f"{source}: missing field 'base'")
    if not isinstance(base, str):
        return from_mapping(Arch, base, f"{source}.base")
    try:
        return load_arch(base)
    except UserError as error:
        raise error.under(f"{source}.base: ") from None


def _written(
    fields: Mapping[Any, object], stages: int, source: str
) -> Sequence[Mapping[str, tuple[object, str]]]:
    """What each stage varies as it was written, with its path, by name."""
    vary = _mapping(fields.get("vary", {}), f"{source}.vary")
    common = {str(name): (value, f"{source}.vary.{str(name)[:60]}") for name, value in vary.items()}
    written = [dict(common) for _ in range(stages)]
    overridden = set()
    for key, override in _mapping(fields.get("stages", {}), f"{source}.stages").items():
        # A command line's override brings the index as text.
        index = int(key) if str(key).isdecimal() and len(str(key)) < 10 else -1
        if not 0 <= index < stages:
            raise UserError(
                f"{source}.stages: expected indexes from 0 to {stages - 1}, got {str(key)[:40]}"
            )
        path = f"{source}.stages.{index}"
        if index in overridden:
            raise UserError(f"{path}: is given twice")
        overridden.add(index)
        for name, value in _mapping(override, path).items():
            written[index][str(name)] = value, f"{path}.{str(name)[:60]}"
    return [
        {name: (value, path) for name, (value, path) in own.items() if value is not None}
        for own in written
    ]


def _mapping(data: object, path: str) -> Mapping[Any, object]:
    if not isinstance(data, Mapping):
        raise UserError(f"{path}: expected a mapping, got {shown(data)}")
    return data
