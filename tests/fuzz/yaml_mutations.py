"""Files as a slip, a broken disk or an enemy would leave them: mutants of real ones.

They are of use to whatever reads YAML: it is to make something of each, or to refuse it on a line.
"""

import functools
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from search_spaces.yaml_io import arch_to_yaml
from search_spaces.zoo import ZOO

SPACES = Path(__file__).parents[2] / "conf" / "space"

OTHERS = (
    "alpha: 1.2\nbeta: 1.1\ngamma: 1.15\nphi: 1.0\n",
    "device: cpu\nscale: 1.02\nmilliseconds:\n  stem 224px 3>32 k3 s2 silu torch: 1.5\n"
    "  head conv 7px 320>1280>1000 silu: 0.25\n",
    "a: &a {kernel: 5}\nname: net\nstages:\n- {<<: *a, channels: 16}\n- {<<: *a, channels: 24}\n",
)
"""A sweep's constants, a latency table, and a network spelt with an alias."""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, here in zip("abcdefghij", "bcdefghijk", strict=True)
)
"""Nine to the eleventh strings in 600 bytes."""

VALUES = (
    # numbers
    "0", "-1", "1.5", "1e9", "1.0e+308", "-1.0e+999", ".inf", "-.inf", ".nan", "9" * 5000,
    "-" + "9" * 400, "0x" + "f" * 5000, "0x_", "0b_", "0o9", "08", "1_000", "190:20:30", "1:" * 60,
    "100000000", "2147483648", "9223372036854775807", "9223372036854775808", "10000", "65536",
    # what YAML 1.1 takes for something else
    "2001-99-99", "2001-12-14 25:61:61", "yes", "off", "~", "null", "''", "=", "<<", "-", "?", ":",
    # tags, anchors, documents
    "!!int foo", "!!float x", "!!binary '****'", "!!timestamp x", "!!set {a}", "!!omap [a]",
    "!!python/object/apply:os.getcwd []", "!<tag:yaml.org,2002:bool> x", "! x", "&a [*a]", "*b",
    "&a &a x", "{<<: 3}", "{<<: [1]}", "{<<: {a: 1}, <<: {b: 2}}", "{a: 1, a: 2}", "{? [a] : b}",
    "{[a]: b}", "\n---\na: b", "\n...\n", "%YAML 9.9", "{1: a, 1.0: b, true: c}",
    # shapes
    "[]", "{}", "[[]]", "[1, [2, {3: 4}]]", "{a: {b: {c: d}}}", "[" * 10_000, "{a: " * 10_000,
    "[" + "1, " * 2000 + "1]", "{" + ", ".join(f"k{i}: {i}" for i in range(2000)) + "}",
    # strings
    '"\\0\\e[31m\\r\\n\\t"', '"\\ud800"', '"\\U0010ffff"', "x" * 5000, "'" + "y" * 300 + "'",
    "../../../../ESC", "/tmp/ESC", ".hidden", "..", "a/b", "'a\\b'", "φ é ☃ 漢字", "' a '",
    "|\n  a\n  b", '"\\u202e\\u2028"', "~nobody/x.yaml", "efficientnet_b0", "/dev/zero", "no.yaml",
    # right words in wrong places
    "mbconv", "identity", "bottleneck", "fused", "relu", "pool", "same", "inner", "true", "false",
    "[3, 5, 7]", "{a: {kernel: 3}, b: {kernel: 5}}", "{a: {op: identity}, 1: {width: 2}}",
    "[0.5, 1, 1.0e+300]", "[-100000, 100000]", "[" + ", ".join(map(str, range(1, 99))) + "]",
)  # fmt: skip
"""What a value may be replaced by."""

TOKENS = (
    *VALUES, "\x00", "\x1b[2J", "\x7f", "\x85", "\ufeff", "\u2028", "\t", "\r", "\r\n", "\n", " ",
    "'", '"', "{", "}", "[", "]", ",", "#", "&", "*", "!", "|", ">", "%", "@", "`", "- ", "? ",
    ": ", "<<: ", "<<: *a\n", "&a ", "*a", "--- ", "\n---\n", "\n...\n", BOMB,
    "stages: ", "base: ", "vary: {repeats: 100000000}\n", "repeats: 100000000, ", "name: ",
)  # fmt: skip
"""What may be put anywhere."""

_VALUE = re.compile(r"(?<=: )[^\s,{}\[\]][^,{}\[\]\n]*|\[[^\[\]]*\]|\{[^{}]*\}")
_KEY = re.compile(r"[a-z_]+(?=:)")
_NUMBER = re.compile(r"(?<=[ \[])[0-9.]+(?=[,}\]\n])")


@functools.cache
def originals() -> tuple[str, ...]:
    """The files that are mutated: the zoo's networks, the shipped spaces, and some others."""
    spaces = (path.read_text(encoding="utf-8") for path in sorted(SPACES.glob("*.yaml")))
    about = {"source": "formula", "phi": 1.0, "macs": 7, "ties": ["a", "b"], "alpha": None}
    return (*(arch_to_yaml(arch, about) for arch in ZOO.values()), *spaces, *OTHERS)


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """`count` files, each made from an original by one to four mutations; repeatable by seed."""
    rng = random.Random(seed)
    texts = originals()
    for _ in range(count):
        data = rng.choice(texts).encode()
        for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
            data = rng.choice(_WAYS)(data, rng)
        yield data


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _delete(data: bytes, rng: random.Random) -> bytes:
    start, end = _piece(data, rng)
    return data[:start] + data[end:]


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    start, end = _piece(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 50)) + data[end:]


def _move_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


def _repeat_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    place = rng.randrange(len(lines))
    lines[place:place] = [lines[place]] * rng.choice((1, 2, 500))
    return b"".join(lines)


def _splice(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(TOKENS).encode() + data[place:]


def _replace(pattern: "re.Pattern[str]", words: Callable[[random.Random], str]) -> "_Way":
    def way(data: bytes, rng: random.Random) -> bytes:
        text = data.decode("utf-8", "surrogateescape")
        found = list(pattern.finditer(text))
        if not found:
            return data
        match = rng.choice(found)
        changed = text[: match.start()] + words(rng) + text[match.end() :]
        return changed.encode("utf-8", "surrogateescape")

    return way


def _piece(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 1, 3, 10, 100)))


_Way = Callable[[bytes, random.Random], bytes]
_FIELDS = (
    "name", "resolution", "stem", "stages", "head", "activation", "se", "op", "repeats", "kernel",
    "stride", "expand", "channels", "skip", "groups", "continues", "base", "vary", "network",
    "layers", "width", "dropout", "batch_norm", "eps", "kind", "pool", "alpha", "milliseconds", "0",
)  # fmt: skip
_NUMBERS = (
    "1", "2", "3", "5", "7", "8", "9", "16", "24", "0.25", "0.5", "1.0", "2.3", "6.0", "32", "100",
    "255", "1000", "9999", "65535", "999999", "1.0e-300", "0.1", "-1", "-9998",
)  # fmt: skip
_WAYS: tuple[_Way, ...] = (
    _flip, _delete, _truncate, _repeat, _move_lines, _repeat_line, _splice,
    *[_replace(_VALUE, lambda rng: rng.choice(VALUES))] * 8,
    *[_replace(_NUMBER, lambda rng: rng.choice(_NUMBERS))] * 8,
    *[_replace(_KEY, lambda rng: rng.choice(_FIELDS))] * 2,
)  # fmt: skip
