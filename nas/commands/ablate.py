"""`nas-search ablate`: depth, width, resolution alone against all three, at equal cost."""

from pathlib import Path
from typing import TYPE_CHECKING

from nas.commands.scale import check_rounding, constants, is_number
from nas.config import Config
from nas.networks.cost import cost
from nas.tables import table
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    from scaling_search.ablation import Scaled
    from scaling_search.compound import Constants


def main(config: Config) -> None:
    """Write `ablation/depth_x4.yaml` … and `ablation.csv` into the run folder; print the table."""
    from scaling_search.ablation import write_ablation

    baseline, run = load_arch(str(config["baseline"])), Path(config["run"])
    networks = ablation(baseline, config, run)
    write_ablation(networks, run)
    rule = next(each.constants for each in networks if each.constants)
    print(ablation_table(baseline, networks))
    print(f"\ncompound: φ of α, β, γ = {rule}; written to {run / 'ablation'} and ablation.csv")


def ablation(baseline: Arch, config: Config, run: Path) -> "tuple[Scaled, ...]":
    """The networks that the configuration asks for. Raises UserError for what there is none of."""
    from scaling_search.ablation import ablate

    rounding = config["depth_rounding"]
    check_rounding(rounding)
    ratios = [config["ratio"]] if config["ratios"] is None else config["ratios"]
    if not isinstance(ratios, list) or not all(is_number(ratio) for ratio in ratios):
        name = "ratio" if config["ratios"] is None else "ratios"
        raise UserError(f"{name}: expected {_EXPECTED[name]}, got {config[name]!r}")
    return ablate(baseline, ratios, _constants(config, run), rounding)


_EXPECTED = {"ratio": "a number", "ratios": "a list of numbers"}


def ablation_table(baseline: Arch, networks: "tuple[Scaled, ...]") -> str:
    """A row a network: what it was scaled by, its cost, and how near that is to the target."""
    header = ("network", "φ", "depth", "width", "layers", "px", "params", "MACs", "×", "off")
    unit = cost(baseline)
    rows: list[tuple[object, ...]] = [
        (
            baseline.name,
            "",
            "",
            "",
            _layers(baseline),
            baseline.resolution,
            f"{unit.params:,}",
            f"{unit.macs:,}",
            "1.000",
            "",
        )
    ]
    for each in networks:
        rows.append(
            (
                each.name,
                "" if each.phi is None else f"{each.phi:g}",
                f"{each.multipliers.depth:.3f}",
                f"{each.multipliers.width:.3f}",
                _layers(each.arch),
                each.arch.resolution,
                f"{each.cost.params:,}",
                f"{each.cost.macs:,}",
                f"{each.realised_ratio:.3f}",
                f"{each.difference:+.2%}",
            )
        )
    return table(header, rows)


def _constants(config: Config, run: Path) -> "Constants":
    from scaling_search.compound import PAPER

    given = any(config[name] is not None for name in ("constants", "alpha", "beta", "gamma"))
    return constants(config, run) if given or (run / "constants.yaml").exists() else PAPER


def _layers(arch: Arch) -> int:
    return sum(stage.repeats for stage in arch.stages)
