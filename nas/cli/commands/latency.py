"""`nas-search latency`: time networks side by side, or every block of a space."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from nas.networks.cost import cost
from nas.runs.csv_files import write_rows
from nas.verbs.columns import table
from nas.verbs.config import Config
from nas.verbs.progress import Pace, ProgressLine
from search_spaces.errors import UserError
from search_spaces.files import expanded, write_text
from search_spaces.parsing import from_mapping
from search_spaces.space import load_space
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    from nas.latency.measure import Latency, LatencySettings, Session

_SETTINGS = (
    "engine",
    "device",
    "threads",
    "batch",
    "dtype",
    "memory_format",
    "clock",
    "memory",
    "runs",
    "warmup",
    "seed",
)


def main(config: Config) -> None:
    """Write figures and a plot, or a latency table, into the run folder; print what they say."""
    run = expanded(str(config["run"]))
    print(_table(config, run) if config["table"] else _networks(config, run))


def _networks(config: Config, run: Path) -> str:
    references = config["networks"]
    if not isinstance(references, list) or not references:
        raise UserError(
            "networks: expected zoo names or YAML files: nas-search latency b0.yaml b1.yaml"
        )
    archs = {str(reference): load_arch(str(reference)) for reference in references}
    settings = _settings(config)

    from nas.dashboard.latency_page import write_page
    from nas.latency.measure import measure

    found, session = measure(list(archs.values()), settings, _progress("latency"))
    rows = [_row(name, latency) for name, latency in zip(archs, found, strict=True)]
    conditions = _conditions(settings, session)
    run.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({**conditions, "networks": rows}, sort_keys=False, allow_unicode=True)
    write_text(run / "latency.yaml", text)
    _write_runs(run / "latency.csv", list(archs), found)
    write_page(run / "latency.html", rows, conditions)
    return f"{_printed(rows)}\n\n{_said(conditions)}\nwritten to {run}: latency.yaml, .csv, .html"


def _table(config: Config, run: Path) -> str:
    given = config["table"]
    path = run / "table.yaml" if given is True else expanded(str(given))
    if config["networks"]:
        raise UserError("networks: a table is of a space: give space=…, and no networks")
    space = load_space(config["space"], "space")
    if config["num_classes"] is not None:
        space = space.of_classes(config["num_classes"])
    settings = _settings(config)

    from nas.latency.profile import TableSettings, build_table
    from nas.latency.table import write_table

    options = {name: config[name] for name in ("contexts", "quantile")}
    options["networks"] = config["check"]
    try:
        asked = from_mapping(TableSettings, options)
    except UserError as error:
        raise UserError(str(error).replace("networks:", "check:", 1)) from None
    found, check = build_table(space, settings, asked, _progress("latency table"))
    write_table(found, path)
    lines = [f"{len(found.seconds)} blocks, stems and heads of {space.name}, written to {path}"]
    if check is not None:
        said = check.summary()
        lines += [
            f"against {said['networks']} random networks, {said['fastest_ms']:.1f} to "
            f"{said['slowest_ms']:.1f} ms: mean absolute error {check.error:.1%}, "
            f"bias {said['bias']:+.1%}, Kendall's τ {check.tau:.3f}; within ±5 % "
            f"{check.within(0.05):.0%} of them, within ±10 % {check.within(0.1):.0%}",
            f"two halves of the same measurements differ by "
            f"{said['noise_mean_absolute_difference']:.1%}, τ {said['noise_kendall_tau']:.3f}",
        ]
    return "\n".join([*lines, *_shared(found.about.get("processor_share"))])


def _settings(config: Config) -> "LatencySettings":
    from nas.latency.measure import LatencySettings  # brings torch

    return from_mapping(LatencySettings, {name: config[name] for name in _SETTINGS})


def _progress(stage: str) -> Callable[[int, int], None]:
    line, pace = ProgressLine(stage), Pace()

    def report(done: int, total: int) -> None:
        line(done, total, "", pace.step(total - done))

    return report


def _conditions(settings: "LatencySettings", session: "Session") -> dict[str, Any]:
    from nas.latency.measure import device_facts

    return {
        **device_facts(settings),
        **({} if session.share is None else {"processor_share": round(session.share, 3)}),
        "warmup_rounds": session.warmup,
        "settings": settings.spelt(),
    }


def _row(name: str, latency: "Latency") -> dict[str, Any]:
    price, (low, high) = cost(latency.arch), latency.quartiles
    return {
        "network": name,
        "resolution": latency.arch.resolution,
        "params": price.params,
        "macs": price.macs,
        "median_ms": round(1e3 * latency.median, 4),
        "lower_quartile_ms": round(1e3 * low, 4),
        "upper_quartile_ms": round(1e3 * high, 4),
        "runs": len(latency.seconds),
        "key": latency.arch.key(),
    }


def _write_runs(path: Path, names: Sequence[str], found: "Sequence[Latency]") -> None:
    rows = (
        {"network": name, "run": run, "milliseconds": round(1e3 * seconds, 4)}
        for name, latency in zip(names, found, strict=True)
        for run, seconds in enumerate(latency.seconds)
    )
    write_rows(path, ("network", "run", "milliseconds"), rows)


def _printed(rows: Sequence[dict[str, Any]]) -> str:
    header = ("network", "px", "MACs", "median ms", "quartiles", "× first")
    first = rows[0]["median_ms"]
    return table(
        header,
        [
            (
                row["network"],
                row["resolution"],
                f"{row['macs']:,}",
                f"{row['median_ms']:.2f}",
                f"{row['lower_quartile_ms']:.2f}–{row['upper_quartile_ms']:.2f}",
                f"{row['median_ms'] / first:.2f}",
            )
            for row in rows
        ],
    )


def _said(conditions: dict[str, Any]) -> str:
    settings = conditions["settings"]
    threads = f", {settings['threads']} thread(s)" if "cores" in conditions else ""
    line = (
        f"{conditions['device']}{threads}, batch {settings['batch']}, {settings['dtype']}, "
        f"{_engine(conditions)}, {settings['clock']} time"
    )
    return "\n".join([line, *_shared(conditions.get("processor_share"))])


def _engine(conditions: dict[str, Any]) -> str:
    if "onnxruntime" in conditions:
        return f"onnxruntime {conditions['onnxruntime']}"
    return f"{conditions['settings']['memory_format']}, torch {conditions['torch']}"


def _shared(share: float | None) -> list[str]:
    """A warning where the machine was busy with something else."""
    if share is None or share >= 0.9:
        return []
    return [
        f"noisy: our thread had a processor {share:.0%} of the time, others the rest; "
        f"clock=processor counts its own time alone"
    ]
