"""`nas-search scale`: a baseline becomes a family of YAML files, or one larger network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.cli.columns import table
from nas.cli.config import Config
from nas.networks.cost import cost
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.rule.dimension import Dimension
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import subfolder
from search_spaces.parsing import closest
from search_spaces.scaling import scale
from search_spaces.yaml_io import load_arch, read_about, write_arch

if TYPE_CHECKING:
    from scaling_search.grow.grown import Grown
    from scaling_search.rule.rule import Constants


def main(config: Config) -> None:
    """Write `family/b0.yaml` …, or `scaled/NAME.yaml`, and print what they cost."""
    baseline, run = load_arch(str(config["baseline"])), Path(config["run"])
    if _given(config):
        print(one(baseline, config, run))
        return
    members = family(baseline, config, run)
    folder = write(members, run, str(config["baseline"]))
    print(f"{family_table(members)}\n\nwritten to {folder}")


def one(baseline: Arch, config: Config, run: Path) -> str:
    """Write the baseline grown by the dimensions that are given; its cost as a table."""
    grown = _grown(baseline, config)
    arch = grown.arch
    path = subfolder(run, "scaled") / f"{arch.name}.yaml"
    about = {"source": "scaled", "baseline": baseline.name, **grown.asked(), **grown.costs()}
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


def _grown(baseline: Arch, config: Config) -> "Grown":
    """The baseline by the dimensions that are given. Raises UserError for what are none."""
    from scaling_search.grow.grown import Grown, macs_ratio

    *first, last = COMPOUND.names
    for name in ("constants", *COMPOUND.constant_names):
        if config.get(name) is not None:
            raise UserError(f"{name}: makes a family; {', '.join(first)} and {last} one network")
    for dimension in COMPOUND:
        _check_dimension(dimension, config.get(dimension.name))
    check_rounding(config["depth_rounding"])
    given = _given(config)
    arch = scale(baseline, **given, depth_rounding=config["depth_rounding"])
    sizes = {each.name: each.size(baseline) for each in COMPOUND if each.sized}
    asked = {n: value / sizes[n] if n in sizes else value for n, value in given.items()}
    label = "_".join(f"{name[0]}{value:g}" for name, value in given.items())
    return Grown(
        label=label,
        arch=arch.replace(name=f"{baseline.name}_{label}"),
        baseline=baseline,
        multipliers=COMPOUND.multipliers(**asked),
        cost=cost(arch),
        realised_ratio=macs_ratio(arch, baseline),
    )


def _given(config: Config) -> dict[str, Any]:
    """The dimensions that are to grow, with the multiplier or the size that is given for each."""
    known = {name: config.get(name) for name in COMPOUND.names}
    return {name: value for name, value in known.items() if value is not None}


def _check_dimension(dimension: Dimension, value: object) -> None:
    if value is None:
        return
    if not dimension.sized and not is_number(value):
        raise UserError(f"{dimension.name}: expected a multiplier, got {value!r}")
    if dimension.sized and not (isinstance(value, int) and is_number(value)):
        raise UserError(
            f"{dimension.name}: expected {dimension.unit}, a whole number, got {value!r}"
        )


def family(baseline: Arch, config: Config, run: Path) -> "tuple[Grown, ...]":
    """The family that the configuration asks for. Raises UserError for one it cannot make."""
    from scaling_search.grow.family import formula_family, published_family

    check_family(config)
    if config["coefficients"] == "published":
        return published_family(baseline)
    rule = constants(config, run)
    return formula_family(baseline, rule, config["phis"], config["depth_rounding"])


def check_family(config: Config) -> None:
    """Raises UserError for settings of which no family can be made, whatever the baseline."""
    from scaling_search.grow.family import check_phis

    kind, phis = config["coefficients"], config["phis"]
    if kind not in ("published", "formula"):
        raise UserError(f"coefficients: got {kind!r}{closest(kind, ('published', 'formula'))}")
    if not isinstance(phis, list) or not all(is_number(phi) for phi in phis):
        raise UserError(f"phis: expected a list of numbers, got {phis!r}")
    if kind == "formula":
        check_phis(phis)
    check_rounding(config["depth_rounding"])


def write(members: "Sequence[Grown]", run: Path, baseline: str) -> Path:
    """Write the members into the run folder's `family`, which is where they are then.

    They tell the classes apart that their baseline's file names.
    """
    from scaling_search.grow.family import write_family

    write_family(members, run, class_names(baseline))
    return run / "family"


def family_table(members: "Sequence[Grown]") -> str:
    """A row a member: multipliers and cost, nominal and realised."""
    names = members[0].multipliers.rule.multiplied
    header = ("network", "φ", *names, "px", "params", "MACs", "nominal", "realised")
    return table(
        header,
        [
            (
                member.label.upper(),
                f"{member.phi:g}",
                *(f"{member.multipliers[name]:.3f}" for name in names),
                member.arch.resolution,
                f"{member.cost.params:,}",
                f"{member.cost.macs:,}",
                f"{member.nominal_ratio:.2f}×",
                f"{member.realised_ratio:.2f}×",
            )
            for member in members
        ],
    )


def constants(config: Config, run: Path) -> "Constants":
    """The rule's constants as given, or from `constants`, or from the run folder's own file.

    Raises UserError for none.
    """
    from scaling_search.grow.family import read_constants

    given = {name: config[name] for name in COMPOUND.constant_names if name in config}
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        for name, value in given.items():
            if not is_number(value):
                raise UserError(f"{name}: expected a number, got {value!r}")
        return COMPOUND.constants(**given)
    if len(missing) < len(given):
        *first, last = given
        raise UserError(f"{missing[0]}: give all of {', '.join(first)} and {last}, or none of them")
    path = Path(config["constants"] or run / "constants.yaml")
    if not path.exists():
        raise UserError(
            f"{path}: no such file; coefficients=formula needs a sweep's constants.yaml, "
            f"or {' '.join(f'{name}=…' for name in given)}"
        )
    return read_constants(path)


def known_constants(config: Config, run: Path) -> "Constants":
    """The constants as `constants` reads them; where there are none, the paper's."""
    known = gives_constants(config) or (run / "constants.yaml").exists()
    return constants(config, run) if known else PAPER


def gives_constants(config: Config) -> bool:
    """Whether the configuration has constants, or names a file of them."""
    names = ("constants", *COMPOUND.constant_names)
    return any(config.get(name) is not None for name in names)


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
