"""YAML as plain data: a stranger's file can neither run code nor take more memory than allowed."""

import functools
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from search_spaces.errors import UserError, shown
from search_spaces.files import MOST_BYTES

MOST_NODES = 100_000
"""The most keys, values and lists of a file, repetitions by aliases included. A large latency table
has as many, and reading them takes about a second."""
MOST_DEPTH = 40
"""The most lists and mappings inside each other; our own files have up to eight"""

_LONGEST_NUMBER = 100
_MOST_INTEGER = 2**63 - 1
# The C parser is about ten times as fast, but not every build of PyYAML has it.
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS: Any = yaml.SafeLoader.yaml_implicit_resolvers
_CONSTRUCTOR: Any = yaml.constructor.SafeConstructor()
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TRUTH = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}

_NO_KEY: Any = object()
_MERGE: Any = object()
"""Stands for the key `<<`, whose value is a mapping that is merged in."""


def load_yaml(text: str, source: str) -> Any:
    """YAML text as mappings, lists, strings, numbers, booleans and None.

    The text is read as YAML 1.1, except that dates are strings. Raises UserError, which names
    `source` and the line, for text that is not YAML; for tags, keys given twice, numbers beyond 64
    bits and several documents; and for more of anything than a person writes, where an alias counts
    as all that it repeats.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MOST_BYTES:
        raise UserError(f"{source}: {len(text):,} characters; expected at most {MOST_BYTES:,}")
    stray = _NOT_TEXT.search(text)
    if stray is not None:
        line = text.count("\n", 0, stray.start()) + 1
        raise UserError(f"{source}: line {line}: not YAML: the character {stray[0]!a}")
    reader = _Reader(source)
    try:
        for event in yaml.parse(text, Loader=PARSER):
            reader.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        # Where the text ends too soon, the parser names the line after the last one.
        where = f" line {min(mark.line, text.count(chr(10))) + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise UserError(f"{source}:{where} not YAML: {problem[:200]}") from None
    return reader.root


@dataclass(slots=True)
class _Open:
    """A list or mapping that has begun and not ended."""

    made: dict[Any, Any] | list[Any]
    anchor: str | None
    first: int
    """The number of nodes before it"""
    key: Any = _NO_KEY
    """The key of the value that comes next, in a mapping"""
    merged: dict[Any, Any] | None = None
    """The mapping that `<<` merges in"""


@dataclass(slots=True)
class _Reader:
    """A reader that makes plain data of a parser's events, without recursion."""

    source: str
    root: Any = None
    nodes: int = 0
    documents: int = 0
    opened: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    """The value that each anchor names, with its number of nodes"""

    def take(self, event: Any) -> None:
        """Take the next event. Raises UserError for one that does not belong into plain data."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._count(1, event)
            value = self._scalar(event)
            self._name(event.anchor, value, 1)
            self._put(value, event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._count(1, event)
            self._tagless(event)
            if len(self.opened) == MOST_DEPTH:
                raise self._error(event, f"more than {MOST_DEPTH} lists inside each other")
            made: Any = {} if kind is yaml.MappingStartEvent else []
            self.opened.append(_Open(made, event.anchor, self.nodes - 1))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            ended = self.opened.pop()
            if ended.merged is not None and isinstance(ended.made, dict):
                ended.made = {**ended.merged, **ended.made}
            self._name(ended.anchor, ended.made, self.nodes - ended.first)
            self._put(ended.made, event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                raise self._error(event, "a second document; expected one")

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self.anchors:
            raise self._error(event, f"the alias *{name[:40]} names nothing that ended before it")
        value, nodes = self.anchors[name]
        self._count(nodes, event)
        self._put(value, event)

    def _name(self, anchor: str | None, value: object, nodes: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = value, nodes

    def _put(self, value: Any, event: Any) -> None:
        """Put a value into the list or mapping that is open, or make it the whole."""
        within = self.opened[-1] if self.opened else None
        if within is not None and isinstance(within.made, dict) and within.key is _NO_KEY:
            within.key = self._key(within, value, event)
            return
        if value is _MERGE:
            value = "<<"
        if within is None:
            self.root = value
        elif isinstance(within.made, list):
            within.made.append(value)
        elif within.key is _MERGE:
            within.merged = self._merge(value, event)
            within.key = _NO_KEY
        else:
            within.made[within.key] = value
            within.key = _NO_KEY

    def _key(self, within: _Open, value: Any, event: Any) -> Any:
        if isinstance(value, dict | list):
            raise self._error(event, f"expected a word or a number as key, got {shown(value)}")
        if value in within.made or (value is _MERGE and within.merged is not None):
            raise self._error(event, f"{'<<' if value is _MERGE else shown(value)} is given twice")
        return value

    def _merge(self, value: Any, event: Any) -> dict[Any, Any]:
        """The mappings that `<<` names, as one; for a key of several, the first one counts."""
        each = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in each):
            got = shown(value)
            raise self._error(event, f"<<: expected a mapping, or a list of them, got {got}")
        merged: dict[Any, Any] = {}
        for one in reversed(each):
            merged.update(one)
        return merged

    def _scalar(self, event: Any) -> Any:
        self._tagless(event)
        text: str = event.value
        try:
            if event.implicit[0]:
                return _word(text) if len(text) <= _LONGEST_NUMBER else _resolved(text)
        except (ValueError, OverflowError):  # such as 0x_
            raise self._error(event, f"{shown(text)} is no number of up to 64 bits") from None
        if _SURROGATE.search(text):
            raise self._error(event, f"not text: {shown(text)}")
        return text

    def _tagless(self, event: Any) -> None:
        if event.tag is not None:
            raise self._error(event, f"not YAML of plain data: the tag {shown(event.tag)}")

    def _count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            problem = f"more than {MOST_NODES:,} keys and values, what aliases repeat included"
            raise self._error(event, problem)

    def _error(self, event: Any, problem: str) -> UserError:
        return UserError(f"{self.source}: line {event.start_mark.line + 1}: {problem}")


def _resolved(text: str) -> Any:
    """The value of a word without quotes. Raises ValueError for what only looks like a number."""
    for tag, pattern in (*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())):
        if pattern.match(text):
            match tag.rpartition(":")[2]:
                case "null":
                    return None
                case "bool":
                    return _TRUTH[text.lower()]
                case "int" | "float" as kind:
                    return _number(kind, text)
                case "merge":
                    return _MERGE
            return text
    return text


# Files repeat the same few words.
_word = functools.lru_cache(maxsize=4096)(_resolved)


def _number(kind: str, text: str) -> int | float:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError
    make = getattr(_CONSTRUCTOR, f"construct_yaml_{kind}")
    number: int | float = make(yaml.ScalarNode("", text))
    if isinstance(number, int) and abs(number) > _MOST_INTEGER:
        raise ValueError
    return number
