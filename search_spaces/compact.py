"""The one-line spelling of stages: timm's block strings, `ir_r2_k5_s2_e6_c40_se0.25`.

Kind first: `ir` mbconv, `ds` mbconv without expansion, `dsa` sepconv, `er` fused, `cn` conv (with
`e1` a fused without expansion: the same network), and of our own `bt` bottleneck, `id` identity.
Then `r` repeats, `k` kernel, `s` stride, `e` expand, `c` channels, `se` squeeze-and-excitation
ratio, `noskip` (`skip` for `dsa` and `cn`, which have none by default), `nre`, `nr6`, `nsw`, `nhs`
the stage's own activation, and of our own `g` groups, `i` the divisor of inner channels, `always`
an expansion conv even at expand 1 (which `ir` and `er` with `e1` say by themselves), and a leading
`+`: the stage continues the one before it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from search_spaces.arch import Activation, Arch, Head, Op, Stage, Stem, expands
from search_spaces.errors import UserError, shown
from search_spaces.parsing import closest

_OPS: Final[Mapping[str, Op]] = {
    "ir": "mbconv",
    "ds": "mbconv",
    "dsa": "sepconv",
    "er": "fused",
    "cn": "conv",
    "bt": "bottleneck",
    "id": "identity",
}
_KINDS: Final = {op: kind for kind, op in _OPS.items() if kind != "ds"}
ACTIVATION_CODES: Final[Mapping[Activation, str]] = {
    "relu": "nre",
    "relu6": "nr6",
    "silu": "nsw",
    "hard_swish": "nhs",
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
_SKIP_WHERE_SAID: Final = frozenset({"dsa", "cn"})
_EXPAND_NEEDED: Final = frozenset({"ir", "er", "bt"})
_ALWAYS: Final = "always"


def spell(stage: Stage) -> str:
    """The stage on one line; `parse_stage` reads it back as an equal Stage."""
    kind = _kind(stage)
    return ("+" if stage.continues else "") + "_".join([kind, *_parts(stage, kind)])


def spell_arch(arch: Arch) -> str:
    """The network on one line, for people: resolution, stem, stages and head."""
    stages = " ".join(map(spell, arch.stages))
    return f"{arch.resolution}px {_spell_stem(arch.stem)} {stages} {_spell_head(arch.head)}"


def parse_stage(text: str) -> Stage:
    """The stage a block string spells.

    Raises UserError for what is no block string.
    """
    where = shown(text, 80)
    kind, *parts = text.strip().removeprefix("+").split("_")
    if kind not in _OPS:
        raise UserError(f"{where}: unknown kind of block {shown(kind)}{closest(kind, _OPS)}")
    values: dict[str, Any] = {"skip": kind not in _SKIP_WHERE_SAID}
    seen = set()
    for part in parts:
        name, value = _parse_part(part, where)
        if name in seen:
            raise UserError(f"{where}: {name} is given twice")
        seen.add(name)
        values[name] = value
    if "channels" not in seen:
        raise UserError(f"{where}: missing c, the output channels")
    op = _op(kind, values, where)
    if kind in ("ir", "er") and values["expand"] == 1:
        values["always_expand"] = True
    try:
        return Stage(op=op, continues=text.strip().startswith("+"), **values)
    except UserError as error:
        raise error.under(f"{where}: ") from None


def _kind(stage: Stage) -> str:
    if stage.op in ("mbconv", "fused") and not expands(stage):
        return "ds" if stage.op == "mbconv" else "cn"
    return _KINDS[stage.op]


def _parts(stage: Stage, kind: str) -> Iterator[str]:
    yield f"r{stage.repeats}"
    yield f"k{stage.kernel}"
    yield f"s{stage.stride}"
    if stage.expand != 1 or stage.op not in ("sepconv", "conv", "identity"):
        yield f"e{_number(stage.expand)}"
    yield f"c{stage.channels}"
    if stage.se:
        yield f"se{_number(stage.se)}"
    if stage.groups != 1:
        yield f"g{stage.groups}"
    if stage.inner_divisor != 1:
        yield f"i{stage.inner_divisor}"
    if stage.always_expand and (stage.expand != 1 or kind not in ("ir", "er")):
        yield _ALWAYS
    if stage.skip == (kind in _SKIP_WHERE_SAID):
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


def _op(kind: str, values: Mapping[str, Any], where: str) -> Op:
    expand = values.get("expand")
    if kind in _EXPAND_NEEDED and expand is None:
        raise UserError(f"{where}: missing e, the expansion of {kind}")
    if kind == "ds" and (expand not in (None, 1) or "always_expand" in values):
        raise UserError(f"{where}: ds does not expand; expected e1, or ir instead of ds")
    return "fused" if kind == "cn" and expand == 1 else _OPS[kind]


def _spell_stem(stem: Stem) -> str:
    kernel = "" if stem.kernel == 3 else f"_k{stem.kernel}"
    stride = "" if stem.stride == 2 else f"_s{stem.stride}"
    return f"stem{stem.channels}{kernel}{stride}{'_pool' if stem.pool else ''}"


def _spell_head(head: Head) -> str:
    return "pool" if head.kind == "pool" else f"{head.kind}{head.channels}"
