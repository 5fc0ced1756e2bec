"""An evaluator made of others, which asks them for all that it does not say itself."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from nas.evaluators import asked
from nas.evaluators.base import Effort, Evaluator, ProgressReport
from nas.evaluators.identity import kind_of, plain
from nas.evaluators.preparation import prepare
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import kept_if_filled


@dataclass(frozen=True, kw_only=True)
class Wrapper(Evaluator):
    """A dataclass whose fields that are evaluators are its parts.

    Whatever concerns the data, memory or preparation goes to every part; what is said of the data
    and of the accuracy is the first part's.
    """

    @property
    def parts(self) -> Mapping[str, Evaluator]:
        """The evaluators it is made of, by the names of their fields, in order.

        Raises UserError for a class that has no such field.
        """
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        parts = {name: part for name, part in given.items() if isinstance(part, Evaluator)}
        if not parts:
            raise UserError(
                f"evaluator: {type(self).__qualname__} is made of no evaluator; expected a frozen "
                f"dataclass with a field that is one"
            )
        return parts

    def _with(self, parts: Mapping[str, Evaluator]) -> Self:
        return replace(self, **parts)

    @property
    def _first(self) -> Evaluator:
        return next(iter(self.parts.values()))

    def check(self, arch: Arch) -> None:
        """Raise UserError where a part cannot evaluate `arch`."""
        for part in self.parts.values():
            asked.check(part, arch)

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Prepare the parts one after another, each in a folder of its own."""
        for name, part in self.parts.items():
            with kept_if_filled(workspace, name) as own:
                try:
                    prepare(part, own, progress)
                except UserError as error:
                    raise _inside(name, error) from None

    def data_key(self, arch: Arch) -> Hashable | None:
        """Name the data of all parts; None where one of them has to read its own."""
        keys = tuple(asked.data_key(part, arch) for part in self.parts.values())
        return None if None in keys else keys

    def load_data(self, key: Hashable) -> tuple[Any, ...]:
        """Read the data of each part."""
        if not isinstance(key, tuple):
            raise TypeError(f"expected a key for each part, got {key!r}")
        parts = self.parts.values()
        return tuple(asked.load_data(part, own) for part, own in zip(parts, key, strict=True))

    def with_data(self, data: tuple[Any, ...]) -> Self:
        """Give the same with the data of each part at hand."""
        given = zip(self.parts.items(), data, strict=True)
        return self._with({name: asked.with_data(part, own) for (name, part), own in given})

    def reduced_memory(self, times: int) -> Self:
        """Give the same with parts that need less memory."""
        return self._with({name: asked.reduced_memory(p, times) for name, p in self.parts.items()})

    def for_scaled_networks(self) -> Evaluator:
        """Give the same with parts that measure networks beyond the space."""
        return self._with({name: asked.for_scaled_networks(p) for name, p in self.parts.items()})

    def stand_alone(self) -> Evaluator | None:
        """Give the same with parts that train networks alone; None where no part has such."""
        alone = {name: asked.stand_alone(part) for name, part in self.parts.items()}
        given = {name: part for name, part in alone.items() if part is not None}
        return self._with(given) if given else None

    def effort(self, arch: Arch) -> Effort | None:
        """Add up what the parts take; None where one of them does not say."""
        efforts = []
        for name, part in self.parts.items():
            try:
                efforts.append(asked.effort(part, arch))
            except UserError as error:
                raise _inside(name, error) from None
        known = [effort for effort in efforts if effort is not None]
        if len(known) < len(efforts):
            return None
        return Effort(
            preparation=sum(effort.preparation for effort in known),
            evaluation=sum(effort.evaluation for effort in known),
        )

    def for_networks(self, networks: Sequence[Arch]) -> Evaluator:
        """Give the same with parts that measure these networks."""
        parts = self.parts.items()
        return self._with({name: asked.for_networks(p, networks) for name, p in parts})

    def exact(self) -> bool:
        """Say whether the accuracies of all parts are free of noise."""
        return all(asked.exact(part) for part in self.parts.values())

    def describe(self) -> Mapping[str, str | int | float]:
        """Say what the first part's accuracy is of."""
        return asked.description(self._first)

    def identity(self) -> Mapping[str, object] | None:
        """Give what accuracies depend on; None where a part leaves that to its settings."""
        parts = {name: asked.identity(part) for name, part in self.parts.items()}
        if None in parts.values():
            return None
        own = {each.name: plain(getattr(self, each.name)) for each in fields(self)}
        return {"kind": kind_of(self), **own, **parts}

    def class_names(self) -> tuple[str, ...]:
        """Name the classes of the first part's data."""
        return asked.class_names(self._first)

    def data_summary(self) -> str:
        """Say what all parts read, the same once."""
        lines = [line for p in self.parts.values() for line in asked.data_summary(p).splitlines()]
        return "\n".join(dict.fromkeys(lines))


def _inside(part: str, mistake: UserError) -> UserError:
    """Name a setting of a part by its whole path: `evaluator.device` is `evaluator.PART.device`."""
    text = str(mistake)
    rest = text.removeprefix("evaluator.")
    return mistake if rest == text else UserError(f"evaluator.{part}.{rest}")
