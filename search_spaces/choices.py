"""What may vary in a network: choices, and the fields that each of their options sets."""

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown
from search_spaces.kinds import KINDS
from search_spaces.limits import MOST_CHANNELS, MOST_LAYERS
from search_spaces.parsing import closest, from_mapping
from search_spaces.rounding import round_channels
from search_spaces.stage import Stage, taken_fields

Scalar = str | int | float | bool
Effect = tuple[tuple[str, Any], ...]
"""The fields that an option sets, with their values."""

# Options that are relative to the base's stage, with the option that changes nothing.
_RELATIVE: Mapping[str, float] = {"layers": 0, "width": 1}
_STAGE_FIELDS = tuple(f.name for f in dataclasses.fields(Stage) if f.name != "continues")
_NETWORK_FIELDS = ("resolution", "activation", "dropout", "drop_path")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may vary: a parameter of the search."""

    name: str
    """Flat and unique in the space: `s3_kernel`, or `resolution` for the whole network."""
    options: tuple[Scalar, ...]
    """Distinct values; ascending where `ordered`, else as written."""
    ordered: bool
    """The options are numbers with a meaning (kernel, width), not unlike operations."""
    stage: int | None = None
    """Index of the stage it varies; None for the whole network."""
    effects: tuple[Effect, ...] = ()
    """What each option sets in the stage (or the network)."""

    def check(self, option: object) -> None:
        """Raises UserError where there is no such option."""
        if option not in self.options:
            known = ", ".join(map(repr, self.options[:12]))
            more = ", …" if len(self.options) > 12 else ""
            raise UserError(f"{self.name}: expected one of {known}{more}, got {shown(option)}")


@dataclass(frozen=True, slots=True)
class _Option:
    value: Scalar
    effect: Effect
    distance: float
    """From changing nothing; of options that are one network, the nearest stays."""


def fields_together(effects: Iterable[Effect]) -> dict[str, Any]:
    """The fields that options of several choices set together.

    Where one of them decides the kind of block, the others set only what that kind takes: a search
    over kernels and over skipping the block has one network without the block, not one a kernel.
    """
    effects = tuple(effects)
    fields = dict(itertools.chain(*effects))
    decides = next((dict(effect) for effect in effects if "op" in dict(effect)), None)
    if decides is None:
        return fields
    taken = {*taken_fields(decides["op"]), *decides}
    return {name: value for name, value in fields.items() if name in taken}


def stage_choices(
    stage: Stage, index: int, vary: Mapping[str, tuple[object, str]], where: str
) -> tuple[Stage, tuple[Choice, ...]]:
    """What varies in a stage; what has one option only is set in the stage returned.

    `vary` holds what was written, by name, with its path for errors: a list of values of a field,
    one such value, or a mapping of labels to the fields each sets. Options that make the same
    stage are merged. Raises UserError; whether options go together, `check_together` tells.
    """
    named = {name: _options(stage, name, *written) for name, written in vary.items()}
    setters: dict[str, str] = {}
    for name, options in named.items():
        for field in {field for option in options for field, _ in option.effect}:
            if field in setters:
                raise UserError(
                    f"{vary[name][1]}: sets the {field} of stage {index}, "
                    f"as does '{setters[field]}'"
                )
            setters[field] = name
    deciding = named[setters["op"]] if "op" in setters else []
    kinds = {dict(option.effect).get("op", stage.op) for option in deciding} or {stage.op}
    for field, name in setters.items():
        alone = name != setters.get("op")
        if alone and not any(field in taken_fields(kind) for kind in kinds):
            take = "takes" if len(kinds) == 1 else "take"
            raise UserError(f"{vary[name][1]}: {' and '.join(sorted(kinds))} {take} no {field}")
    fixed: dict[str, Any] = {}
    choices = []
    for name, options in named.items():
        merged = _merged(stage, options, setters.get("op") in (None, name))
        if len(merged) == 1:
            fixed.update(merged[0].effect)
        else:
            choices.append(_choice(f"s{index}_{name}", merged, index))
    _possible(stage, fixed, where)
    return stage.replace(**fixed), tuple(choices)


def network_choices(
    base: Arch, vary: Mapping[str, object], where: str
) -> tuple[Arch, tuple[Choice, ...]]:
    """What varies for the whole network, as stage_choices does for a stage."""
    choices = []
    for name, written in vary.items():
        if name not in _NETWORK_FIELDS:
            raise UserError(f"{where}: unknown field {shown(name)}{closest(name, _NETWORK_FIELDS)}")
        options = []
        for value, path in _listed(written, f"{where}.{name}"):
            data = {"stem": {"stride": 1}, "stages": [{"channels": 1}], name: value}
            value = getattr(_at(path, name, Arch, data), name)
            _possible(base, {name: value}, path)
            options.append(_Option(value, ((name, value),), 0))
        merged = _merged(base, options, False)
        if len(merged) == 1:
            base = base.replace(**dict(merged[0].effect))
        else:
            choices.append(_choice(name, merged, None))
    return base, tuple(choices)


def check_together(stage: Stage, choices: Sequence[Choice], where: str) -> None:
    """Raises UserError where options of a stage that may meet are impossible together."""
    # Each field stands alone but for the kind of block, which may not take it: pairs tell all.
    for choice in choices:
        met = [each for each in choices if each is choice or _sets_op(each)]
        for effects in itertools.product(*(each.effects for each in met)):
            _possible(stage, fields_together(effects), where)


def most_layers(stage: Stage, choices: Sequence[Choice]) -> int:
    """Layers of the stage with those options that make it deepest."""
    effects = (dict(effect) for choice in choices for effect in choice.effects)
    return max([stage.repeats, *(int(effect.get("repeats", 1)) for effect in effects)])


def _sets_op(choice: Choice) -> bool:
    return any(name == "op" for effect in choice.effects for name, _ in effect)


def _options(stage: Stage, name: str, written: object, path: str) -> list[_Option]:
    if not isinstance(written, Mapping):
        if name not in _STAGE_FIELDS and name not in _RELATIVE:
            known = (*_STAGE_FIELDS, *_RELATIVE)
            raise UserError(f"{path}: unknown field {shown(name)}{closest(name, known)}")
        return [_option(stage, name, value, at) for value, at in _listed(written, path)]
    if not re.fullmatch("[a-z][a-z0-9_]{0,59}", name):
        raise UserError(
            f"{path}: expected a name of up to 60 small letters, digits and _, got {shown(name)}"
        )
    if not written:
        raise UserError(f"{path}: expected at least one label")
    return [
        _labelled(stage, label, fields, f"{path}.{str(label)[:60]}")
        for label, fields in written.items()
    ]


def _listed(written: object, path: str) -> Iterator[tuple[object, str]]:
    if not isinstance(written, Sequence) or isinstance(written, str):
        yield written, path
        return
    if not written:
        raise UserError(f"{path}: expected at least one option")
    for position, value in enumerate(written):
        yield value, f"{path}[{position}]"


def _option(stage: Stage, name: str, value: object, path: str) -> _Option:
    effect = _effect(stage, name, value, path)
    if name not in _RELATIVE:
        return _Option(dict(effect)[name], effect, 0)
    assert isinstance(value, int | float)  # _effect has checked
    return _Option(value, effect, abs(value - _RELATIVE[name]))


def _labelled(stage: Stage, label: object, fields: object, path: str) -> _Option:
    if not _is_label(label):
        raise UserError(f"{path}: expected a word or a number as label, got {shown(label)}")
    if not isinstance(fields, Mapping):
        raise UserError(f"{path}: expected a mapping of the fields it sets, got {shown(fields)}")
    effect: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in _STAGE_FIELDS and name not in _RELATIVE:
            known = (*_STAGE_FIELDS, *_RELATIVE)
            raise UserError(f"{path}: unknown field {shown(name)}{closest(name, known)}")
        effect.update(_effect(stage, name, value, f"{path}.{name}"))
    if "op" in effect:
        _possible(stage, effect, path)
    return _Option(label, tuple(sorted(effect.items())), 0)


def _is_label(label: object) -> TypeGuard[Scalar]:
    if isinstance(label, str):
        return label.isprintable() and 0 < len(label) <= 60
    return isinstance(label, int | float) and not isinstance(label, bool) and math.isfinite(label)


def _effect(stage: Stage, name: str, value: object, path: str) -> Effect:
    """The fields that a value sets, each checked by itself."""
    if name == "layers":
        if type(value) is not int or abs(value) > MOST_LAYERS:
            raise UserError(f"{path}: expected layers to add or leave out, got {shown(value)}")
        return (("repeats", max(1, stage.repeats + value)),)
    if name == "width":
        return _widened(stage, value, path)
    taker = next((k.name for k in KINDS.values() if name in k.takes), stage.op)
    neutral = {"op": taker, "channels": stage.channels}
    return ((name, getattr(_at(path, name, Stage, neutral | {name: value}), name)),)


def _widened(stage: Stage, width: object, path: str) -> Effect:
    number = isinstance(width, int | float) and not isinstance(width, bool)
    if not (number and 0 < width <= MOST_CHANNELS):  # type: ignore[operator]
        raise UserError(
            f"{path}: expected a multiplier above 0 and at most {MOST_CHANNELS}, got {shown(width)}"
        )
    # As in scaling: a multiplier of one changes nothing, and groups stay as wide where they can.
    divisor = math.gcd(stage.channels, 8)
    channels = round_channels(stage.channels, width, divisor)  # type: ignore[arg-type]
    if stage.groups == 1:
        return (("channels", channels),)
    return ("channels", channels), ("groups", math.gcd(channels, stage.groups))


def _at(path: str, name: str, cls: type[Any], data: Mapping[str, object]) -> Any:
    try:
        return from_mapping(cls, data)
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix(f'{name}: ')}") from None


def _merged(base: Stage | Arch, options: list[_Option], sets_op: bool) -> list[_Option]:
    """One option for each different stage, in order."""
    kept: dict[object, tuple[int, _Option]] = {}
    for position, option in enumerate(options):
        fields = {f.name: getattr(base, f.name) for f in dataclasses.fields(base)}
        fields |= dict(option.effect)
        if sets_op:
            op = fields["op"]
            fields = {name: fields[name] for name in taken_fields(op)}
            if KINDS[op].may_vanish:  # then so do all blocks but the first
                del fields["repeats"]
        identity = tuple(fields.items())
        if identity not in kept or option.distance < kept[identity][1].distance:
            kept[identity] = position, option
    return [option for _, option in sorted(kept.values(), key=lambda entry: entry[0])]


def _choice(name: str, options: list[_Option], stage: int | None) -> Choice:
    values = [option.value for option in options]
    ordered = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if ordered:
        options = sorted(options, key=lambda option: option.value)
        number = int if all(float(option.value).is_integer() for option in options) else float
        values = [number(option.value) for option in options]
    return Choice(name, tuple(values), ordered, stage, tuple(o.effect for o in options))


def _possible(base: Stage | Arch, fields: Mapping[str, Any], where: str) -> None:
    try:
        base.replace(**fields)
    except UserError as error:
        spelt = ", ".join(f"{name} {value}" for name, value in fields.items())
        raise UserError(f"{where}: {spelt} cannot be: {error}") from None
