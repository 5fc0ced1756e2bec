"""`nas-search scale`: a baseline becomes a family of YAML files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.config import Config
from nas.tables import table
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.parsing import closest
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    from scaling_search.compound import Constants
    from scaling_search.family import Member


def main(config: Config) -> None:
    """Write `family/b0.yaml` … into the run folder, and print what they cost."""
    baseline = load_arch(str(config["baseline"]))
    members = family(baseline, config, Path(config["run"]))
    print(family_table(members))
    print(f"\nwritten to {write(members, Path(config['run']))}")


def family(baseline: Arch, config: Config, run: Path) -> "tuple[Member, ...]":
    """The family that the configuration asks for. Raises UserError for one it cannot make."""
    from scaling_search.family import formula_family, published_family

    kind = config["coefficients"]
    if kind == "published":
        return published_family(baseline)
    if kind != "formula":
        raise UserError(f"coefficients: got {kind!r}{closest(kind, ('published', 'formula'))}")
    phis = config["phis"]
    if not isinstance(phis, list) or not all(_is_number(phi) for phi in phis):
        raise UserError(f"phis: expected a list of numbers, got {phis!r}")
    return formula_family(baseline, _constants(config, run), phis, config["depth_rounding"])


def write(members: "Sequence[Member]", run: Path) -> Path:
    """Write the members, and remove what an earlier, larger family left beside them."""
    from scaling_search.family import write_family

    folder = run / "family"
    written = set(write_family(members, folder))
    for old in folder.glob("b*.yaml"):
        if old not in written:
            old.unlink()
    return folder


def family_table(members: "Sequence[Member]") -> str:
    """A row a member: multipliers and cost, nominal and realised."""
    header = ("network", "φ", "depth", "width", "px", "params", "MACs", "nominal", "realised")
    return table(
        header,
        [
            (
                member.name.upper(),
                f"{member.phi:g}",
                f"{member.multipliers.depth:.3f}",
                f"{member.multipliers.width:.3f}",
                member.arch.resolution,
                f"{member.cost.params:,}",
                f"{member.cost.macs:,}",
                f"{member.multipliers.nominal_ratio():.2f}×",
                f"{member.realised_ratio:.2f}×",
            )
            for member in members
        ],
    )


def _constants(config: Config, run: Path) -> "Constants":
    from scaling_search.compound import Constants
    from scaling_search.family import read_constants

    given = {name: config[name] for name in ("alpha", "beta", "gamma")}
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        for name, value in given.items():
            if not _is_number(value):
                raise UserError(f"{name}: expected a number, got {value!r}")
        return Constants(**given)
    if len(missing) < len(given):
        raise UserError(f"{missing[0]}: give all of alpha, beta and gamma, or none of them")
    path = Path(config["constants"] or run / "constants.yaml")
    if not path.exists():
        raise UserError(
            f"{path}: no such file; coefficients=formula needs a sweep's constants.yaml, "
            f"or alpha=… beta=… gamma=…"
        )
    return read_constants(path)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
