"""TensorBoard's event files, written and read without a framework.

A file is a row of records (TensorFlow's `tfrecord`): the length of an event, its masked CRC-32C,
the event, and that one's. An event is a protocol buffer, as in TensorFlow's `event.proto`.
"""

import math
import os
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from search_spaces.files import not_a_link, read_bytes

NAME = "events.out.tfevents.nas_search"
_MOST_BYTES = 2**30
_HEAD, _TAIL = 12, 4
"""Bytes around an event: its length with a checksum, and the event's own checksum."""
_MOST_FLOAT = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_STEP = 2
"""The number of an event's field `step`."""


@dataclass(frozen=True, slots=True)
class EventFile:
    """An event file in a folder that exists; other programs may read it at any moment."""

    folder: Path

    @property
    def path(self) -> Path:
        """Its path: TensorBoard finds it by the name's beginning."""
        return self.folder / NAME

    def last_step(self) -> int:
        """The last step that it has values of; -1 for none.

        Cuts off an event that was written in part.
        """
        if not self.path.exists():
            return -1
        content = read_bytes(not_a_link(self.path), _MOST_BYTES)
        whole, last = 0, -1
        for event in _events(content):
            whole += _HEAD + len(event) + _TAIL
            last = max(last, _step(event))
        if whole < len(content):
            os.truncate(self.path, whole)
        return last

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step."""
        self._append(_event(step, b"".join(_scalar(name, v) for name, v in values.items())))

    def add_text(self, name: str, text: str) -> None:
        """Write text, which TensorBoard shows as Markdown."""
        # Only steps of values are looked for when a file is gone on with.
        self._append(_event(None, _text(name, text)))

    def _append(self, event: bytes) -> None:
        records = _record(event)
        if not self.path.exists() or not self.path.stat().st_size:  # all of it was cut off
            began = _double(1, time.time()) + _field(3, b"brain.Event:2")
            records = _record(began) + records
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with os.fdopen(os.open(not_a_link(self.path), flags, 0o666), "ab") as file:
            file.write(records)


def _events(content: bytes) -> Iterator[bytes]:
    """The whole events of a file; what follows a damaged one is none."""
    place = 0
    while place + _HEAD <= len(content):
        head = content[place : place + 8]
        (length,) = struct.unpack("<Q", head)
        event = content[place + _HEAD : place + _HEAD + length]
        end = place + _HEAD + length + _TAIL
        sums = content[place + 8 : place + _HEAD] + content[end - _TAIL : end]
        if end > len(content) or sums != _checksum(head) + _checksum(event):
            return
        yield event
        place = end


def _step(event: bytes) -> int:
    """The step of an event that we wrote: its time comes first, then the step if it has one."""
    if len(event) < 11 or event[9] != _STEP << 3:
        return -1
    step, shift = 0, 0
    for byte in event[10:]:
        step |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return step


def _event(step: int | None, summary: bytes) -> bytes:
    at = b"" if step is None else _varint(_STEP << 3) + _varint(step)
    return _double(1, time.time()) + at + _field(5, summary)


def _scalar(name: str, value: float) -> bytes:
    # What only a double can hold is as good as infinite in a float, of which the field is.
    single = value if abs(value) <= _MOST_FLOAT else math.copysign(math.inf, value)
    return _field(1, _field(1, _bytes(name)) + _float(2, single))


def _text(name: str, text: str) -> bytes:
    dtype_string = _varint(1 << 3) + _varint(7)
    shape = _field(2, _field(2, _varint(1 << 3) + _varint(1)))
    tensor = dtype_string + shape + _field(8, _bytes(text))
    plugin = _field(1, _field(1, b"text"))
    return _field(1, _field(1, _bytes(name)) + _field(8, tensor) + _field(9, plugin))


def _bytes(text: str) -> bytes:
    """UTF-8, with what names of files may hold beside it spelt out."""
    return text.encode(errors="backslashreplace")


def _field(number: int, content: bytes) -> bytes:
    """A field of a protocol buffer that is text or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + _checksum(length) + event + _checksum(event)


def _table() -> tuple[int, ...]:
    table = []
    for index in range(256):
        for _ in range(8):
            index = index >> 1 ^ (0x82F63B78 if index & 1 else 0)
        table.append(index)
    return tuple(table)


_CRC = _table()


def _checksum(content: bytes) -> bytes:
    """The CRC-32C, masked as in TensorFlow's records."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
