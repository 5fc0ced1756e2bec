"""What trackers left, read back: TensorBoard's event files and W&B's offline files."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event

Scalars = dict[str, list[tuple[int, float]]]
"""The (step, value) pairs of each name, in the order in which they were written."""
_BLOCK = 32768


def events(folder: Path) -> Iterator[Event]:
    """Every whole event in the event files of a folder."""
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content = path.read_bytes()
        while len(content) >= 12:
            (length,) = struct.unpack("<Q", content[:8])
            if len(content) < 16 + length:
                break
            yield Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]


def scalars(folder: Path) -> Scalars:
    """What TensorBoard would draw of a folder."""
    found: Scalars = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def texts(folder: Path) -> str:
    """All that was written down as text."""
    return "\n".join(
        part.decode()
        for event in events(folder)
        for value in event.summary.value
        for part in value.tensor.string_val
    )


def offline_records(path: Path) -> Iterator[Any]:
    """The records of a `.wandb` file: a log of LevelDB's form, after seven bytes of W&B's own."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, kept = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        if _BLOCK - place % _BLOCK < 7:
            place += _BLOCK - place % _BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        kept += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield Record.FromString(kept)
            kept = b""


def offline_history(path: Path) -> list[dict[str, Any]]:
    """The values of each step that an offline run logged."""
    return [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json)
         for item in record.history.item}
        for record in offline_records(path)
        if record.WhichOneof("record_type") == "history"
    ]  # fmt: skip
