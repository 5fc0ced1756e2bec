"""`nas-search scale`: a baseline becomes a family of YAML files, or one larger network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.cli.columns import table
from nas.cli.config import Config
from nas.networks.cost import cost
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import subfolder
from search_spaces.parsing import closest
from search_spaces.scaling import scale
from search_spaces.yaml_io import load_arch, read_about, write_arch

_DIMENSIONS = ("depth", "width", "resolution")
_RULES = ("constants", "alpha", "beta", "gamma")

if TYPE_CHECKING:
    from scaling_search.grow.family import Member
    from scaling_search.rule.compound import Constants


def main(config: Config) -> None:
    """Write `family/b0.yaml` …, or `scaled/NAME.yaml`, and print what they cost."""
    baseline, run = load_arch(str(config["baseline"])), Path(config["run"])
    if any(config[name] is not None for name in _DIMENSIONS):
        print(one(baseline, config, run))
        return
    members = family(baseline, config, run)
    folder = write(members, run, str(config["baseline"]))
    print(f"{family_table(members)}\n\nwritten to {folder}")


def one(baseline: Arch, config: Config, run: Path) -> str:
    """Write the baseline scaled by `depth`, `width` and to `resolution`; its cost as a table."""
    arch, about = _scaled(baseline, config)
    path = subfolder(run, "scaled") / f"{arch.name}.yaml"
    names = class_names(str(config["baseline"]))
    write_arch(arch, path, {**about, "classes": list(names)} if names else about)
    unit = cost(baseline).macs
    rows = [
        (
            network.name,
            network.resolution,
            f"{cost(network).params:,}",
            f"{cost(network).macs:,}",
            f"{cost(network).macs / unit:.2f}×",
        )
        for network in (baseline, arch)
    ]
    header = ("network", "px", "params", "MACs", "realised")
    return f"{table(header, rows)}\n\nwritten to {path}"


def _scaled(baseline: Arch, config: Config) -> tuple[Arch, dict[str, Any]]:
    for name in _RULES:
        if config[name] is not None:
            raise UserError(f"{name}: makes a family; depth, width and resolution one network")
    for name in ("depth", "width"):
        if not (config[name] is None or is_number(config[name])):
            raise UserError(f"{name}: expected a multiplier, got {config[name]!r}")
    pixels, rounding = config["resolution"], config["depth_rounding"]
    if not (pixels is None or (isinstance(pixels, int) and is_number(pixels))):
        raise UserError(f"resolution: expected pixels, a whole number, got {pixels!r}")
    check_rounding(rounding)
    depth, width = (1.0 if config[name] is None else config[name] for name in ("depth", "width"))
    pixels = baseline.resolution if pixels is None else pixels
    arch = scale(baseline, depth, width, pixels, depth_rounding=rounding)
    given = [f"{name[0]}{config[name]:g}" for name in _DIMENSIONS if config[name] is not None]
    multipliers = (depth, width, pixels / baseline.resolution)
    price = cost(arch)
    about = {
        "source": "scaled",
        "baseline": baseline.name,
        **dict(zip(_DIMENSIONS, (round(value, 6) for value in multipliers), strict=True)),
        "params": price.params,
        "macs": price.macs,
        "nominal_ratio": round(depth * width**2 * multipliers[2] ** 2, 6),
        "realised_ratio": round(price.macs / cost(baseline).macs, 6),
    }
    return arch.replace(name="_".join([baseline.name, *given])), about


def family(baseline: Arch, config: Config, run: Path) -> "tuple[Member, ...]":
    """The family that the configuration asks for. Raises UserError for one it cannot make."""
    from scaling_search.grow.family import formula_family, published_family

    check_family(config)
    if config["coefficients"] == "published":
        return published_family(baseline)
    rule = constants(config, run)
    return formula_family(baseline, rule, config["phis"], config["depth_rounding"])


def check_family(config: Config) -> None:
    """Raises UserError for settings of which no family can be made, whatever the baseline."""
    kind, phis = config["coefficients"], config["phis"]
    if kind not in ("published", "formula"):
        raise UserError(f"coefficients: got {kind!r}{closest(kind, ('published', 'formula'))}")
    if not isinstance(phis, list) or not all(is_number(phi) for phi in phis):
        raise UserError(f"phis: expected a list of numbers, got {phis!r}")
    check_rounding(config["depth_rounding"])


def write(members: "Sequence[Member]", run: Path, baseline: str) -> Path:
    """Write the members into the run folder's `family`, which is where they are then.

    They tell the classes apart that their baseline's file names.
    """
    from scaling_search.grow.family import write_family

    write_family(members, run, class_names(baseline))
    return run / "family"


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


def constants(config: Config, run: Path) -> "Constants":
    """α, β, γ as given, or from `constants`, or the run folder's own. Raises UserError for none."""
    from scaling_search.grow.family import read_constants
    from scaling_search.rule.compound import Constants

    given = {name: config[name] for name in ("alpha", "beta", "gamma")}
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        for name, value in given.items():
            if not is_number(value):
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


def check_rounding(rounding: object) -> None:
    """Raises UserError for what is no way to round depths."""
    if rounding not in ("ceil", "round"):
        raise UserError(f"depth_rounding: got {rounding!r}{closest(rounding, ('ceil', 'round'))}")


def is_number(value: object) -> bool:
    """Whether it is an int or a float, which a bool is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def class_names(reference: str) -> tuple[str, ...]:
    """The names of the classes that a network's file says it tells apart; none of the zoo's."""
    if not Path(reference).expanduser().is_file():
        return ()
    named = read_about(Path(reference).expanduser()).get("classes")
    return tuple(map(str, named)) if isinstance(named, list) else ()
