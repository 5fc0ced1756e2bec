"""A baseline becomes a family of YAML files, or one larger network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.defaults.conf import default
from nas.networks.cost import cost
from nas.searches.pricing import COUNTED, CostMetric, EstimatedLatency
from nas.trainings.log import ABLATION, SWEEP
from nas.verbs.classes import largest_image, of_run
from nas.verbs.columns import table
from nas.verbs.config import Config
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.rule.dimension import Dimension
from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown
from search_spaces.files import read_text, subfolder
from search_spaces.parsing import closest, from_mapping
from search_spaces.scaling import scale
from search_spaces.yaml_io import write_arch
from search_spaces.yaml_text import load_yaml

if TYPE_CHECKING:
    from scaling_search.grow.grown import Grown
    from scaling_search.grow.limits import Limits
    from scaling_search.grow.members import Member, Target
    from scaling_search.judge.forecast import FamilyForecast
    from scaling_search.rule.rule import Constants


_MISSED = 0.05
"""The fraction of a target by which a member may miss it without a word."""


def one(baseline: Arch, config: Config, run: Path) -> str:
    """Write the baseline grown by the dimensions that are given; its cost as a table."""
    classes = of_run(baseline, str(config["baseline"]), run, config["num_classes"])
    baseline, names = classes.network, classes.names
    grown = _grown(baseline, config)
    arch = grown.arch
    path = subfolder(run, "scaled") / f"{arch.name}.yaml"
    about = {"source": "scaled", "baseline": baseline.name, **grown.asked(), **grown.costs()}
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
    makes_one = f"{', '.join(first)} and {last} one network"
    for name in ("constants", "targets", *COMPOUND.constant_names):
        if config.get(name) is not None:
            raise UserError(f"{name}: makes a family; {makes_one}")
    for name, value in config["family"].items():
        if value != default("family/default", name):
            raise UserError(f"family.{name}: is of a family; {makes_one}")
    for dimension in COMPOUND:
        _check_dimension(dimension, config.get(dimension.name))
    check_rounding(config["depth_rounding"])
    given = given_dimensions(config)
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


def given_dimensions(config: Config) -> dict[str, Any]:
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


def family(baseline: Arch, config: Config, run: Path) -> "tuple[Member, ...]":
    """The family that the configuration asks for, of the classes of the run folder's data.

    Raises UserError for one it cannot make.
    """
    from scaling_search.grow.family import formula_family, published_family
    from scaling_search.grow.targets import target_family

    limits = check_family(config)
    classes = of_run(baseline, str(config.get("baseline")), run, config["num_classes"])
    baseline = classes.network
    if config["coefficients"] == "published":
        return published_family(baseline, limits)
    check_baseline(baseline, config, run)
    rule, rounding = constants(config, run), config["depth_rounding"]
    if config["targets"] is None:
        return formula_family(baseline, rule, config["phis"], rounding, limits)
    return target_family(baseline, rule, config["targets"], _metric(config), rounding, limits)


def check_family(config: Config) -> "Limits":
    """Its limits. Raises UserError for settings of which no family can be made."""
    from scaling_search.grow.family import PHIS, check_phis
    from scaling_search.grow.limits import Limits
    from scaling_search.grow.targets import check_targets

    kind, phis, targets = config["coefficients"], config["phis"], config["targets"]
    if kind not in ("published", "formula"):
        raise UserError(f"coefficients: got {kind!r}{closest(kind, ('published', 'formula'))}")
    if not isinstance(phis, list) or not all(is_number(phi) for phi in phis):
        raise UserError(f"phis: expected a list of numbers, got {phis!r}")
    if kind == "published":
        for name in ("constants", *COMPOUND.constant_names, "targets"):
            if config.get(name) is not None:
                raise UserError(f"{name}: needs coefficients=formula; the published rows are fixed")
        if phis != list(PHIS):
            raise UserError("phis: need coefficients=formula; the published rows are fixed")
    elif targets is None:
        check_phis(phis)
    else:
        if not isinstance(targets, list) or not all(is_number(value) for value in targets):
            hint = "; 300M is spelt 300e6" if isinstance(targets, list) else ""
            raise UserError(f"targets: expected a list of numbers, got {targets!r}{hint}")
        if phis != list(PHIS):
            raise UserError("phis: targets stand in their place; expected one of the two")
        check_targets(targets)
        _metric(config)
    if targets is None and config["targets_of"] != "macs":
        raise UserError("targets_of: is of targets; give targets=[…] too")
    check_rounding(config["depth_rounding"])
    return from_mapping(Limits, config["family"], "family")


def _metric(config: Config) -> CostMetric:
    """The cost that targets are of. Raises UserError for none, or a table that cannot be read."""
    name, table = config["targets_of"], config["latency_table"]
    if name == "latency":
        return EstimatedLatency(table)
    if name not in COUNTED:
        raise UserError(f"targets_of: got {name!r}{closest(name, (*COUNTED, 'latency'))}")
    return COUNTED[name]


def expected(members: "Sequence[Member]", run: Path) -> "FamilyForecast | None":
    """What the run folder's trainings say that the members will reach; None without such."""
    if not _is_trained(run):
        return None  # and NumPy stays where it is
    from scaling_search.expected import forecast_in

    return forecast_in(run, members)


def _is_trained(run: Path) -> bool:
    """Whether the run folder has trainings of grown networks."""
    return any((run / name).is_file() for name in (SWEEP, ABLATION))


def write(
    members: "Sequence[Member]",
    forecast: "FamilyForecast | None",
    config: Config,
    run: Path,
    baseline: str,
) -> Path:
    """Write the members into the run folder's `family`, which is where they are then.

    Their files name the classes that they tell apart, and say what is expected of them.
    """
    from scaling_search.grow.family import write_family

    said = []
    if forecast is not None:
        from scaling_search.expected import as_mapping

        said = [as_mapping(each) for each in forecast.members]
    classes = of_run(members[0].baseline, baseline, run, config["num_classes"])
    write_family(members, run, classes.names, said)
    return run / "family"


def family_report(
    members: "Sequence[Member]",
    forecast: "FamilyForecast | None",
    run: Path,
    baseline: str,
    depth_rounding: str,
) -> str:
    """The family's table, and under it the limits that bind and the forecast, a line each.

    `baseline` is the file or the name of the network that it was grown from.
    """
    said: dict[str, list[str]] = {}
    for member in members:
        for limit in member.limited:
            said.setdefault(limit, []).append(member.label.upper())
    largest = largest_image(baseline, run)
    beyond = [m.label.upper() for m in members if largest and m.arch.resolution > largest]
    if beyond:
        said[f"fed more pixels than any image of the data has ({largest})"] = beyond
    missed = [m.label.upper() for m in members if abs(m.difference or 0) > _MISSED]
    if missed:
        hint = "" if depth_rounding == "round" else "; depth_rounding=round may come nearer"
        said[f"more than {_MISSED:.0%} off what was asked for{hint}"] = missed
    lines = [f"{', '.join(labels)}: {limit}" for limit, labels in said.items()]
    if forecast is not None:
        lines.append(f"\n{forecast_table(members, forecast)}")
    elif _is_trained(run):
        from scaling_search.expected import why_none

        lines.append(why_none(run, members))
    return "\n".join([family_table(members), *lines])


def forecast_table(members: "Sequence[Member]", forecast: "FamilyForecast") -> str:
    """What is expected of each member, where that is extrapolated, and how far growth pays."""
    from scaling_search.expected import TOLERANCE

    rows = [
        (
            member.label.upper(),
            f"{each.accuracy:.4f} [{each.low:.4f}, {each.high:.4f}]",
            "" if each.gain is None else f"{100 * each.gain:+.2f}",
            "extrapolated" if each.extrapolates else "",
        )
        for member, each in zip(members, forecast.members, strict=True)
    ]
    header = ("network", "expected proxy accuracy [95 %]", "points", "")
    until = forecast.pays_until
    pays = (
        "more cost is expected to pay as far as is looked"
        if until is None
        else f"from φ = {until:g} on, another unit is expected to bring less than "
        f"{100 * TOLERANCE:g} points"
    )
    return f"{table(header, rows)}\nby {forecast.trainings} trainings; {pays}"


def family_table(members: "Sequence[Member]") -> str:
    """A row a member: multipliers, cost, nominal and realised, and by what it misses its target."""
    names = members[0].multipliers.rule.multiplied
    targets = [member.target for member in members if member.target]
    unit = targets[0].metric.unit if targets else ""
    aimed = (f"asked ({unit})", f"built ({unit})", "off") if targets else ()
    header = ("network", "φ", *names, "px", "params", "MACs", "nominal", "realised", *aimed)
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
                *(_aim(member, targets[0]) if targets else ()),
            )
            for member in members
        ],
    )


def _aim(member: "Member", any_target: "Target") -> tuple[str, str, str]:
    """A member's target, what it costs in the target's unit, and by what it misses it."""
    from scaling_search.grow.members import spelt

    price = spelt(any_target.price(member.arch))
    if member.target is None or member.difference is None:
        return "", price, ""
    return spelt(member.target.value), price, f"{member.difference:+.2%}"


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


def check_baseline(baseline: Arch, config: Config, run: Path) -> None:
    """Raises UserError where the run folder's own constants are of another baseline."""
    path = run / "constants.yaml"
    if config["coefficients"] != "formula" or gives_constants(config) or not path.is_file():
        return
    found = load_yaml(read_text(path), str(path))
    of = found.get("baseline") if isinstance(found, Mapping) else None
    if isinstance(of, Mapping) and of.get("key") != baseline.key():
        raise UserError(
            f"{path}: is of another baseline, {shown(of.get('name'))}; with constants={path} it is "
            "taken all the same"
        )


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
