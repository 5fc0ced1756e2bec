"""`scale` as a function: a baseline becomes a family of networks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from nas.api.given import Networks, file_of, network_of, settings_of
from nas.api.heard import heard
from nas.defaults.conf import default, default_option
from nas.verbs.compose import Option
from nas.verbs.scale import expected, family, family_report, write
from scaling_search.rule.compound import COMPOUND
from scaling_search.rule.rule import Constants
from search_spaces.arch import Arch
from search_spaces.rounding import DepthRounding

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from scaling_search.grow.members import Member
    from scaling_search.judge.forecast import FamilyForecast


@dataclass(frozen=True)
class Family(Sequence[Arch]):
    """A family of networks, smallest first, whose files lie in the run folder's `family/`."""

    run: Path
    members: "tuple[Member, ...]"
    """Each network with its label, φ, multipliers, cost, and the limits that changed it."""
    forecast: "FamilyForecast | None"
    """What the run folder's trainings say that each will reach; None without such."""
    report: str = field(repr=False)
    """What the terminal is told."""

    @overload
    def __getitem__(self, index: int) -> Arch: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Arch, ...]: ...
    def __getitem__(self, index: int | slice) -> Arch | tuple[Arch, ...]:
        if isinstance(index, slice):
            return tuple(member.arch for member in self.members[index])
        return self.members[index].arch

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Arch]:
        return (member.arch for member in self.members)

    @property
    def records(self) -> "pd.DataFrame":
        """A row a network: its label, φ and multipliers, what it costs and is expected to reach."""
        from nas.dashboard.frames import load_run

        return load_run(self.run, COMPOUND).family

    def plot(self) -> "Figure":
        """What each network costs, against its φ."""
        from nas.dashboard.family import growth_figure
        from nas.dashboard.frames import load_run

        return growth_figure(load_run(self.run, COMPOUND))

    def __str__(self) -> str:
        return f"{self.report}\n\nwritten to {self.run / 'family'}"


def scale(
    baseline: Networks = default("scale", "baseline"),
    constants: Constants | Mapping[str, float] | str | Path = default("scale", "coefficients"),
    *,
    run: str | Path | None = None,
    phis: Sequence[float] = default("scale", "phis"),
    targets: Sequence[float] | None = default("scale", "targets"),
    targets_of: str = default("scale", "targets_of"),
    depth_rounding: DepthRounding = default("scale", "depth_rounding"),
    limits: Mapping[str, Any] | None = None,
    latency_table: str | Path | None = default("scale", "latency_table"),
    num_classes: int | None = default("scale", "num_classes"),
    progress: bool = False,
) -> Family:
    """Make the family of a baseline, and write its networks into the run folder.

    `constants` are those of a sweep, `{"alpha": 1.2, …}`, the path of a `constants.yaml`, or
    `published` for the eight rows of the released code. `phis` say how large each network is, or
    `targets` what it is to cost. `limits` are those of `conf/family`. All else is as in `sweep`.
    """
    network, reference = network_of(baseline, "baseline")
    config = settings_of(
        "scale",
        {"family": Option(default_option("scale", "family"), **(limits or {}))},
        {
            **_rule(constants),
            "baseline": reference,
            "run": run,
            "phis": list(phis),
            "targets": targets,
            "targets_of": targets_of,
            "depth_rounding": depth_rounding,
            "latency_table": latency_table,
            "num_classes": num_classes,
        },
    )
    folder, file = Path(config["run"]), file_of(baseline)
    with heard(progress):
        members = family(network, {**config, "baseline": file}, folder)
        forecast = expected(members, folder)
        write(members, forecast, config, folder, file)
    report = family_report(members, forecast, folder, file, config["depth_rounding"])
    return Family(folder, members, forecast, report)


def _rule(constants: Constants | Mapping[str, float] | str | Path) -> dict[str, Any]:
    """The settings that say how a family grows."""
    if isinstance(constants, Constants):
        return {"coefficients": "formula", **constants.named()}
    if isinstance(constants, Mapping):
        return {"coefficients": "formula", **constants}
    if str(constants) in ("published", "formula"):
        return {"coefficients": str(constants)}
    return {"coefficients": "formula", "constants": constants}
