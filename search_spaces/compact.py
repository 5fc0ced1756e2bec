"""The one-line spelling of stages: timm's block strings, `ir_r2_k5_s2_e6_c40_se0.25`.

Kind first: `ir` mbconv, `ds` mbconv without expansion, `dsa` sepconv, `er` fused, `cn` conv (with
`e1` a fused without expansion: the same network), and of our own `bt` bottleneck, `cx` convnext,
`id` identity.
Then `r` repeats, `k` kernel, `s` stride, `e` expand, `c` channels, `se` squeeze-and-excitation
ratio, `noskip` (`skip` for `dsa` and `cn`, which have none by default), `nre`, `nr6`, `nsw`, `nhs`
the stage's own activation, and of our own `nge` for GELU, `g` groups, `i` the divisor of inner
channels, `always` an expansion conv even at expand 1 (which `ir` and `er` with `e1` say by
themselves), and a leading `+`: the stage continues the one before it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from search_spaces.activations import ACTIVATION_CODES
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError, shown
from search_spaces.kinds import KINDS
from search_spaces.kinds.base import Kind
from search_spaces.parsing import closest
from search_spaces.stage import Stage, block_kind

_UNEXPANDED: Final[Mapping[str, Kind]] = {
    kind.unexpanded.code: kind for kind in KINDS.values() if kind.unexpanded is not None
}
"""Kinds by the code of their blocks without expansion."""
_KINDS: Final[Mapping[str, Kind]] = {
    **_UNEXPANDED,
    **{kind.code: kind for kind in KINDS.values()},
}
_ACTIVATIONS: Final = {code: activation for activation, code in ACTIVATION_CODES.items()}
_FIELDS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "r": ("repeats", int),
    "k": ("kernel", int),
    "s": ("stride", int),
    "e": ("expand", float),
    "c": ("channels", int),
    "se": ("se", float),
    "g": ("groups", int),
    "i": ("inner_divisor", int),
}
_ALWAYS: Final = "always"


def spell(stage: Stage) -> str:
    """The stage on one line; `parse_stage` reads it back as an equal Stage."""
    return ("+" if stage.continues else "") + "_".join([block_kind(stage).code, *_parts(stage)])


def spell_arch(arch: Arch) -> str:
    """The network on one line, for people: resolution, stem, stages and head."""
    stages = " ".join(map(spell, arch.stages))
    return f"{arch.resolution}px {_spell_stem(arch.stem)} {stages} {_spell_head(arch.head)}"


def parse_stage(text: str) -> Stage:
    """The stage a block string spells.

    Raises UserError for what is no block string.
    """
    where = shown(text, 80)
    code, *parts = text.strip().removeprefix("+").split("_")
    if code not in _KINDS:
        raise UserError(f"{where}: unknown kind of block {shown(code)}{closest(code, _KINDS)}")
    values: dict[str, Any] = {}
    for part in parts:
        name, value = _parse_part(part, where)
        if name in values:
            raise UserError(f"{where}: {name} is given twice")
        values[name] = value
    if "channels" not in values:
        raise UserError(f"{where}: missing c, the output channels")
    kind = _kind(code, values, where)
    if "skip" in kind.takes:
        values.setdefault("skip", _code_skips(code))
    if kind.unexpanded is not None and code == kind.code and values["expand"] == 1:
        values["always_expand"] = True
    try:
        return Stage(op=kind.name, continues=text.strip().startswith("+"), **values)
    except UserError as error:
        raise error.under(f"{where}: ") from None


def _code_skips(code: str) -> bool:
    """Whether a block string of that code that does not say so means a skip."""
    kind = _KINDS[code]
    block = kind if kind.code == code else kind.unexpanded
    return block is None or block.code_skips


def _parts(stage: Stage) -> Iterator[str]:
    kind = block_kind(stage)
    yield f"r{stage.repeats}"
    yield f"k{stage.kernel}"
    yield f"s{stage.stride}"
    if "expand" in KINDS[stage.op].takes:
        yield f"e{_number(stage.expand)}"
    yield f"c{stage.channels}"
    if stage.se:
        yield f"se{_number(stage.se)}"
    if stage.groups != 1:
        yield f"g{stage.groups}"
    if stage.inner_divisor != 1:
        yield f"i{stage.inner_divisor}"
    if stage.always_expand and stage.expand != 1:
        yield _ALWAYS
    if "skip" in kind.takes and stage.skip != kind.code_skips:
        yield "skip" if stage.skip else "noskip"
    if stage.activation is not None:
        yield ACTIVATION_CODES[stage.activation]


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _parse_part(part: str, where: str) -> tuple[str, Any]:
    if part in ("skip", "noskip"):
        return "skip", part == "skip"
    if part == _ALWAYS:
        return "always_expand", True
    if part in _ACTIVATIONS:
        return "activation", _ACTIVATIONS[part]
    match = re.fullmatch(r"([a-z]+)([0-9].*)", part)
    if match is None or match[1] not in _FIELDS:
        known = [*_FIELDS, "skip", "noskip", _ALWAYS, *_ACTIVATIONS]
        raise UserError(f"{where}: unknown part {shown(part)}; expected one of: {', '.join(known)}")
    name, convert = _FIELDS[match[1]]
    try:
        return name, convert(match[2])
    except ValueError:
        kind = "an integer" if convert is int else "a number"
        raise UserError(f"{where}: {name}: expected {kind}, got {shown(match[2])}") from None


def _kind(code: str, values: Mapping[str, Any], where: str) -> Kind:
    """The kind of stage that a code and the parts after it stand for."""
    kind, expand = _KINDS[code], values.get("expand")
    if kind.code != code and (expand not in (None, 1) or "always_expand" in values):
        expanding = f"expected e1, or {kind.code} instead of {code}"
        raise UserError(f"{where}: {code} does not expand; {expanding}")
    if kind.code == code and "expand" in kind.takes and expand is None:
        raise UserError(f"{where}: missing e, the expansion of {code}")
    # A kind that takes no expansion, said to have one of 1, is one that leaves it out.
    return _UNEXPANDED.get(code, kind) if expand == 1 else kind


def _spell_stem(stem: Stem) -> str:
    if stem.kind != "conv":
        return f"{stem.kind}{stem.channels}_k{stem.kernel}"
    kernel = "" if stem.kernel == 3 else f"_k{stem.kernel}"
    stride = "" if stem.stride == 2 else f"_s{stem.stride}"
    return f"stem{stem.channels}{kernel}{stride}{'_pool' if stem.pool else ''}"


def _spell_head(head: Head) -> str:
    return f"{head.kind}{head.channels}" if head.has_conv else head.kind
