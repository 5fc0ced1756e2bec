"""What a search may start from: networks to try first, and what was measured elsewhere."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.evaluators.rows import read_frame
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import expanded
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    import pandas as pd

    from search_spaces.choices import Choice, Scalar
    from search_spaces.space import Params, Space

_BEST = 3
"""Networks of each earlier source that are tried first"""


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Candidates to try first, and accuracies of candidates that this search did not measure."""

    starts: "tuple[Params, ...]" = ()
    """Networks that were named, to be tried first."""
    earlier: "tuple[tuple[tuple[Params, float], ...], ...]" = ()
    """For each source, its candidates and their accuracies"""

    def first(self, merit: Callable[["Params", float], float]) -> "tuple[Params, ...]":
        """The candidates to try first: those named, then the best few of each source by `merit`."""
        best = [
            params
            for source in self.earlier
            for params, _ in sorted(source, key=lambda found: -merit(*found))[:_BEST]
        ]
        return tuple({json.dumps(p, sort_keys=True): p for p in (*self.starts, *best)}.values())

    def digest(self) -> str | None:
        """A digest of the content, wherever it came from; None where there is nothing."""
        if not self.starts and not self.earlier:
            return None
        text = json.dumps([self.starts, self.earlier], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_warm_start(asked: object, space: "Space") -> WarmStart:
    """The warm start from one source or a list of them; None stands for an empty one.

    A source is a zoo name or an Arch's YAML file; or a run's folder or a CSV file with a column
    `accuracy` (a fraction) and columns of choices. Raises UserError for anything else.
    """
    if asked is None:
        return WarmStart()
    starts, earlier = [], []
    for position, source in enumerate(asked if isinstance(asked, list) else [asked]):
        where = f"search.start_from[{position}]" if isinstance(asked, list) else "search.start_from"
        if not isinstance(source, str):
            raise UserError(
                f"{where}: expected a network, a run folder or a CSV file, got {source}"
            )
        try:
            path = expanded(source)
            if path.is_dir():
                earlier.append(_measured(*_of_run(path), space))
            elif path.suffix.lower() == ".csv":
                earlier.append(_measured(path, read_frame(source), space))
            else:
                classes = space.base.num_classes
                starts.append(nearest(load_arch(source).replace(num_classes=classes), space))
        except UserError as error:
            raise error.under(f"{where}: ") from None
    return WarmStart(tuple(starts), tuple(earlier))


def nearest(arch: Arch, space: "Space") -> "dict[str, Scalar]":
    """The candidate that is `arch`, or else the one that differs least from it.

    Choice by choice, it takes the option that sets the most fields as `arch` has them, and of
    several such options the one of the nearest numbers. Raises UserError for a network with another
    number of stages, which has no counterpart in the space.
    """
    try:
        return space.encode(arch)
    except UserError:
        if len(arch.stages) != len(space.base.stages):
            raise UserError(
                f"{arch.name} has {len(arch.stages)} stages, and the networks of space "
                f"{space.name} have {len(space.base.stages)}: none of them is near it"
            ) from None
    return {choice.name: _nearest_option(choice, arch) for choice in space.choices}


def _nearest_option(choice: "Choice", arch: Arch) -> "Scalar":
    part = arch if choice.stage is None else arch.stages[choice.stage]
    there = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}

    def distance(index: int) -> tuple[int, float]:
        differ = [
            (value, there[name]) for name, value in choice.effects[index] if value != there[name]
        ]
        return len(differ), sum(_difference(a, b) for a, b in differ)

    return choice.options[min(range(len(choice.options)), key=distance)]


def _difference(one: object, other: object) -> float:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return abs(one - other) if numbers else 1.0  # type: ignore[operator]


def _of_run(run: Path) -> "tuple[Path, pd.DataFrame]":
    """The records of a run, whether its search was finished, was killed or is under way."""
    from nas.runs.study import recorded  # Optuna takes a while to import

    records = recorded(run)
    if not records:
        path = run / "trials.csv"
        return path, read_frame(str(path))
    import pandas as pd

    table = [{"accuracy": record.accuracy, **record.choices} for record in records]
    frame = pd.DataFrame(table, index=pd.RangeIndex(1, len(table) + 1))
    return run / "study.db", frame.astype({"accuracy": float})


def _measured(
    path: Path, frame: "pd.DataFrame", space: "Space"
) -> "tuple[tuple[Params, float], ...]":
    """The candidates in the rows of a run or a CSV file, with their accuracies.

    Where a choice has no column, the option of the space's base is taken; where the space lacks an
    ordered option, its nearest one is. Rows with other options, and failed trials, are passed over.
    """
    shared = [choice for choice in space.choices if choice.name in frame.columns]
    if "accuracy" not in frame.columns:
        raise UserError(f"{path}: no column 'accuracy'")
    if not shared:
        raise UserError(f"{path}: no column is a choice of space {space.name}")
    base = {choice.name: _nearest_option(choice, space.base) for choice in space.choices}
    found = []
    for line, row in zip(frame.index, frame.to_dict("records"), strict=True):
        accuracy = _fraction(row["accuracy"], f"{path}: row {line}")
        options = {choice.name: _option(choice, row[choice.name]) for choice in shared}
        if accuracy is not None and None not in options.values():
            found.append(({**base, **options}, accuracy))
    if not found:
        raise UserError(f"{path}: no row has an accuracy and options of space {space.name}")
    return tuple(found)  # type: ignore[arg-type]


def _fraction(value: Any, where: str) -> float | None:
    try:
        accuracy = float(value)
    except (TypeError, ValueError):
        raise UserError(f"{where}: accuracy: expected a number, got {value!r}") from None
    if math.isnan(accuracy):
        return None
    if not 0 <= accuracy <= 1:
        raise UserError(f"{where}: accuracy: expected a fraction from 0 to 1, got {accuracy:g}")
    return accuracy


def _option(choice: "Choice", value: Any) -> "Scalar | None":
    spelt: Mapping[str, Scalar] = {str(option): option for option in choice.options}
    for option in choice.options:
        if option == value:
            return option
    if str(value) in spelt:
        return spelt[str(value)]
    if choice.ordered and isinstance(value, int | float) and math.isfinite(value):
        return min(choice.options, key=lambda option: abs(float(option) - value))
    return None
