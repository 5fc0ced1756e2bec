"""`nas-search ablate`: depth, width, resolution alone against all three, at equal cost."""

from pathlib import Path
from typing import TYPE_CHECKING

from nas.cli.columns import table
from nas.cli.commands.executor import executor
from nas.cli.commands.found import say_found
from nas.cli.commands.scale import check_rounding, constants, is_number
from nas.cli.config import Config, make
from nas.cli.progress import Progress
from nas.evaluators.base import Evaluator, measuring
from nas.evaluators.identity import identity_of
from nas.networks.cost import cost
from nas.runs.folder import RunFolder, logged
from nas.trainings.log import ABLATION
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    from scaling_search.ablate import Way
    from scaling_search.grow.ablation import Scaled
    from scaling_search.rule.compound import Constants


def main(config: Config) -> None:
    """Write `ablation/depth_x4.yaml` … and `ablation.csv` into the run folder; print the table."""
    from scaling_search.grow.ablation import write_ablation

    baseline, run = load_arch(str(config["baseline"])), Path(config["run"])
    networks = ablation(baseline, config, run)
    ways = train(networks, config, run) if config["train"] else ()
    write_ablation(networks, run)
    rule = next(each.constants for each in networks if each.constants)
    print(ablation_table(baseline, networks))
    if ways:
        print(f"\n{accuracy_table(ways)}")
    print(f"\ncompound: φ of α, β, γ = {rule}; written to {run / 'ablation'} and ablation.csv")


def train(networks: "tuple[Scaled, ...]", config: Config, run: Path) -> "tuple[Way, ...]":
    """How accurate each network is; `ablation.jsonl` and `ablation_accuracy.csv` in the folder."""
    from scaling_search.ablate import train_ablation

    seeds, seed = config["seeds"], config["seed"]
    evaluator: Evaluator = measuring(make(config["evaluator"], "evaluator", Evaluator))
    workers = executor(config, evaluator, "workers", config["workers"])
    evaluator.prepare()
    line = Progress("ablate")
    made_with = {
        "evaluator": identity_of(evaluator, config["evaluator"]),
        "about": dict(evaluator.describe()),
    }
    log, exported = run / ABLATION, "ablation_accuracy.csv"
    keys = {networks[0].baseline.key(): None, **{each.arch.key(): None for each in networks}}
    asked = {"networks": list(keys), "seeds": seeds}
    with RunFolder(run).stage(logged("ablate", made_with, log, exported, asked=asked)):
        say_found(evaluator)
        return train_ablation(
            networks,
            evaluator,
            run,
            workers,
            seeds=seeds,
            seed=seed,
            progress=lambda done, total, seconds_left: line(done, total, "", seconds_left),
        )


def accuracy_table(ways: "tuple[Way, ...]") -> str:
    """A row a way to grow; those that cannot be told from the best of their ratio are marked."""
    rows = []
    for way in ways:
        error = "" if way.stderr is None else f" ± {way.stderr:.4f}"
        accuracy = way.reason if way.accuracy is None else f"{way.accuracy:.4f}{error}"
        name = way.kind if way.kind == "baseline" else f"{way.kind} ×{way.target_ratio:g}"
        rows.append((name + (" *" if way.tied else ""), accuracy, f"{way.realised_ratio:.3f}"))
    return table(("way to grow (* best or tied)", "proxy accuracy", "×"), rows)


def ablation(baseline: Arch, config: Config, run: Path) -> "tuple[Scaled, ...]":
    """The networks that the configuration asks for. Raises UserError for what there is none of."""
    from scaling_search.grow.ablation import ablate

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
    from scaling_search.rule.compound import PAPER

    given = any(config[name] is not None for name in ("constants", "alpha", "beta", "gamma"))
    return constants(config, run) if given or (run / "constants.yaml").exists() else PAPER


def _layers(arch: Arch) -> int:
    return sum(stage.repeats for stage in arch.stages)
