"""Supernet accuracy of grown networks: one supernet of the networks that a sweep may ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from nas.defaults.conf import default
from nas.evaluators.base import Effort, ProgressReport
from nas.evaluators.supernet import WeightSharingEvaluator
from nas.supernet.population import Named, Population
from search_spaces.arch import Arch
from search_spaces.errors import UserError


@dataclass(frozen=True, kw_only=True)
class GrownSupernetEvaluator(WeightSharingEvaluator):
    """A supernet of networks that are grown from one baseline, elastic in what they grow in.

    Wider networks have more of the channels, deeper ones more of the blocks, and a step trains at
    the resolution of the network that it draws.
    """

    networks: tuple[Arch, ...] = field(default=(), repr=False)
    """Those that share weights; `for_networks` names them."""
    width: float = default("evaluator/grown_supernet", "width")

    @property
    def population(self) -> Population:
        """The networks, each once whose candidate is the same, whatever order they are named in."""
        known = self._by_candidate()
        return Named([known[key] for key in sorted(known)])

    def for_networks(self, networks: Sequence[Arch]) -> Self:
        """Give the same with a supernet of these networks."""
        return replace(self, networks=tuple(networks))

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Train the supernet, or find it. Raises UserError as any does, and without networks."""
        self._check_networks()
        super().prepare(workspace, progress)

    def effort(self, arch: Arch) -> Effort | None:
        """Time a step, as a supernet of a space does. Raises UserError without networks."""
        self._check_networks()
        return super().effort(arch)

    def identity(self) -> Mapping[str, object]:
        """Give all that accuracies depend on; of the networks what is trained in their place."""
        return {**super().identity(), "networks": sorted(self._by_candidate())}

    def _check_networks(self) -> None:
        if not self.networks:
            raise UserError(
                "evaluator: a supernet of grown networks is for verbs that grow some, sweep and "
                "ablate; here it is given none"
            )

    def _by_candidate(self) -> dict[str, Arch]:
        return {self.candidate(arch).key(): arch for arch in self.networks}
