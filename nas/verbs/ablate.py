"""Each dimension grown alone against all together, at equal cost.

Recipe, architecture and scaling are taken apart in `ablate_parts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nas.evaluators.asked import for_networks
from nas.evaluators.base import Evaluator
from nas.networks.cost import cost
from nas.runs.folder import RunFolder, logged
from nas.trainings.log import ABLATION
from nas.verbs.classes import of_data, of_run
from nas.verbs.columns import table
from nas.verbs.config import Config
from nas.verbs.evaluation import measured_with, prepare_in, say_data, scaled_evaluator
from nas.verbs.executor import executor
from nas.verbs.progress import ProgressLine
from nas.verbs.same_data import check_same_data
from nas.verbs.scale import check_rounding, is_number, known_constants
from scaling_search.rule.compound import layers
from search_spaces.arch import Arch
from search_spaces.errors import UserError

if TYPE_CHECKING:
    from scaling_search.ablate import AblationResult
    from scaling_search.grow.ablation import AblatedNetwork


@dataclass(frozen=True, slots=True)
class Ablated:
    """A baseline grown in each way, and how accurate it is each time, where that was measured."""

    run: Path
    baseline: Arch
    networks: "tuple[AblatedNetwork, ...]"
    results: "tuple[AblationResult, ...]"

    def __str__(self) -> str:
        found = next(each.constants for each in self.networks if each.constants)
        accuracies = [accuracy_table(self.results), ""] if self.results else []
        named = f"compound: φ of {found.rule.symbols} = {found}"
        written = f"written to {self.run / 'ablation'} and ablation.csv"
        table = ablation_table(self.baseline, self.networks)
        return "\n".join([table, "", *accuracies, f"{named}; {written}"])


def ablated(given: Arch, file: str, config: Config, run: Path) -> Ablated:
    """Write `ablation/depth_x4.yaml` … and `ablation.csv` into the run folder.

    `file` is where the network given was read from.
    """
    from scaling_search.grow.ablation import write_ablation

    evaluator = scaled_evaluator(config) if config["train"] else None
    count = config["num_classes"]
    classes = (
        of_run(given, file, run, count) if evaluator is None else of_data(given, evaluator, count)
    )
    networks = ablation(classes.network, config, run)
    results = train(networks, evaluator, config, run, classes.names) if evaluator else ()
    write_ablation(networks, run, classes.names)
    return Ablated(run, classes.network, networks, results)


def train(
    networks: "tuple[AblatedNetwork, ...]",
    evaluator: Evaluator,
    config: Config,
    run: Path,
    names: Sequence[str] = (),
) -> "tuple[AblationResult, ...]":
    """How accurate each network is; `ablation.jsonl` and `ablation_accuracy.csv` in the folder."""
    from scaling_search.ablate import train_ablation

    seeds, seed = config["seeds"], config["seed"]
    grown = {each.key(): each for each in (networks[0].baseline, *(n.arch for n in networks))}
    evaluator = for_networks(evaluator, tuple(grown.values()))
    workers = executor(config, evaluator, "workers", config["workers"])
    line = ProgressLine("ablate")
    made_with = measured_with(evaluator, config, names)
    check_same_data(run, made_with["about"])
    log, exported = run / ABLATION, "ablation_accuracy.csv"
    asked = {"networks": list(grown), "seeds": seeds}
    folder = RunFolder(run)
    with folder.stage(logged("ablate", made_with, log, exported, asked=asked)):
        prepare_in(folder, evaluator, made_with["evaluator"])
        say_data(evaluator)
        return train_ablation(
            networks,
            evaluator,
            run,
            workers,
            seeds=seeds,
            seed=seed,
            progress=lambda done, total, seconds_left: line(done, total, "", seconds_left),
        )


def accuracy_table(results: "tuple[AblationResult, ...]") -> str:
    """A row a network; those that cannot be told from the best of their ratio are marked."""
    rows = []
    for each in results:
        network = each.network
        error = "" if each.stderr is None else f" ± {each.stderr:.4f}"
        accuracy = each.reason if each.accuracy is None else f"{each.accuracy:.4f}{error}"
        target = "" if network.kind == "baseline" else f" ×{network.target_ratio:g}"
        name = network.kind + target + (" *" if each.tied else "")
        rows.append((name, accuracy, f"{network.realised_ratio:.3f}"))
    return table(("way to grow (* best or tied)", "proxy accuracy", "×"), rows)


def ablation(baseline: Arch, config: Config, run: Path) -> "tuple[AblatedNetwork, ...]":
    """The networks that the configuration asks for. Raises UserError for what there is none of."""
    from scaling_search.grow.ablation import ablate

    rounding = config["depth_rounding"]
    check_rounding(rounding)
    ratios = [config["ratio"]] if config["ratios"] is None else config["ratios"]
    if not isinstance(ratios, list) or not all(is_number(ratio) for ratio in ratios):
        name = "ratio" if config["ratios"] is None else "ratios"
        raise UserError(f"{name}: expected {_EXPECTED[name]}, got {config[name]!r}")
    networks = ablate(baseline, ratios, known_constants(config, run), rounding)
    for ratio in ratios:
        grown = {each.arch.key() for each in networks if each.target_ratio == ratio}
        if grown == {baseline.key()}:
            raise UserError(
                f"ratio: the nearest to {ratio:g} × the MACs of {baseline.name} is {baseline.name} "
                "itself, however it grows; expected a number further from 1"
            )
    return networks


_EXPECTED = {"ratio": "a number", "ratios": "a list of numbers"}


def ablation_table(baseline: Arch, networks: "tuple[AblatedNetwork, ...]") -> str:
    """A row a network: what it was scaled by, its cost, and how near that is to the target."""
    names = networks[0].multipliers.rule.multiplied
    header = ("network", "φ", *names, "layers", "px", "params", "MACs", "×", "off")
    unit = cost(baseline)
    rows: list[tuple[object, ...]] = [
        (
            baseline.name,
            "",
            *("" for _ in names),
            layers(baseline),
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
                each.label,
                "" if each.phi is None else f"{each.phi:g}",
                *(f"{each.multipliers[name]:.3f}" for name in names),
                layers(each.arch),
                each.arch.resolution,
                f"{each.cost.params:,}",
                f"{each.cost.macs:,}",
                f"{each.realised_ratio:.3f}",
                f"{each.difference:+.2%}",
            )
        )
    return table(header, rows)
