"""The page's words and tables: what was run, the baseline, the sweep, the family."""

import pandas as pd

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table
from nas.dashboard.published import published_efficientnet
from nas.dashboard.sweep import sweep
from nas.dashboard.trials import macs_reward
from nas.dashboard.wording import plural, reward_words, search_words, sweep_words
from nas.statistics.intervals import share_error
from search_spaces.arch import Arch


def headline(frames: RunFrames) -> dict[str, str]:
    """The few figures that one looks for first, by name; unknown ones are left out."""
    facts: dict[str, str] = {}
    best = frames.finished[frames.finished["baseline"]].head(1)
    for trial in best.to_dict("records"):
        accuracy, stderr = trial["accuracy"], trial["accuracy_stderr"]
        images = frames.settings.search_evaluator.get("validation images")
        if pd.isna(stderr) and isinstance(images, int) and images > 0:
            stderr = share_error(accuracy, images)
        facts["Baseline, proxy accuracy"] = theme.percent_pm(accuracy, stderr)
        facts["Baseline, MACs"] = theme.count(trial["macs"])
        facts["Baseline, params"] = theme.count(trial["params"])
        if pd.notna(trial["reward"]):
            facts["Baseline, reward"] = theme.number(trial["reward"], 4)
    constants = [frames.constants.get(name) for name in frames.rule.constant_names]
    if all(isinstance(value, int | float) for value in constants):
        ties = int(frames.sweep["tied"].sum())
        tied = f", tied with {plural(ties, 'other')}" if ties else ""
        facts[f"{frames.rule.symbols}{tied}"] = ", ".join(f"{value:g}" for value in constants)
    for network in frames.family.tail(1).to_dict("records") if len(frames.family) > 1 else []:
        macs, params = theme.count(network["macs"]), theme.count(network["params"])
        facts[f"{network['name']}, MACs / params"] = f"{macs} / {params}"
    return facts


def run_facts(frames: RunFrames) -> dict[str, str | Markup]:
    """What was run, by name; what is unknown is empty."""
    settings = frames.settings
    failed = f", {len(frames.failed)} failed" if len(frames.failed) else ""
    measured = int(frames.sweep["accuracy"].notna().sum())
    unit = "MACs" if macs_reward(frames) else "cost"
    facts: dict[str, str | Markup] = {
        "Proxy accuracy": search_words(frames) or sweep_words(frames),
        "Space": settings.space,
        "Objective": reward_words(settings.reward, unit) or "",
        "Sampler": settings.sampler,
        "Trials": f"{len(frames.finished)} finished{failed}" if len(frames.trials) else "",
        "Seed": settings.seed,
        "Sweep": f"{plural(measured, 'network')} measured for "
        f"{plural(int(frames.sweep['points'].sum()), 'grid point')}{_at_phi(frames)}"
        if measured
        else "",
    }
    return facts


def _at_phi(frames: RunFrames) -> str:
    phi = frames.constants.get("phi")
    return f" at φ = {phi:g}" if isinstance(phi, int | float) else ""


def baseline_table(baseline: Arch) -> Markup:
    """The stages of the winner."""
    header = ["stage", "op", "kernel", "stride", "expand", "SE", "channels", "layers"]
    rows = [
        [
            str(index),
            stage.op,
            f"{stage.kernel}×{stage.kernel}",
            str(stage.stride),
            f"{stage.expand:g}",
            f"{stage.se:g}",
            str(stage.channels),
            str(stage.repeats),
        ]
        for index, stage in enumerate(baseline.stages)
    ]
    return table(header, rows, words=2)


def sweep_table(frames: RunFrames) -> Markup:
    """Every distinct network of the sweep, best first, nominal beside realised cost."""
    rows = sweep(frames).candidates
    header = [
        "standing", *(each.symbol for each in frames.rule.dimensions), "grid points", "nominal",
        "realised", "MACs", "params", "proxy accuracy (%)", "seeds",
    ]  # fmt: skip
    cells = [
        [
            row["standing"],
            *row["label"].split(),
            theme.number(row["points"], 0),
            theme.number(row["nominal_ratio"], 2),
            theme.number(row["realised_ratio"], 2),
            theme.count(row["macs"]),
            theme.count(row["params"]),
            theme.percent_pm(row["accuracy"], row["stderr"], 2).removesuffix(" %"),
            theme.number(row["seeds"], 0),
        ]
        for row in rows.to_dict("records")
    ]
    return table(header, cells, marked=[i for i, w in enumerate(rows["winner"]) if w])


def family_table(frames: RunFrames) -> Markup:
    """The family, with its multipliers, costs and the published network of the same name."""
    published = published_efficientnet().set_index("name")
    header = [
        "network", "φ", *(f"{name} ×" for name in frames.rule.multiplied), "blocks", "px",
        "params", "MACs", "nominal ×", "realised ×", "published params", "published MACs",
    ]  # fmt: skip
    cells = []
    for row in frames.family.to_dict("records"):
        known = published.loc[row["name"]] if row["name"] in published.index else None
        cells.append(
            [
                row["name"],
                theme.plain(row["phi"]),
                *(theme.number(row[name], 2) for name in frames.rule.multiplied),
                theme.number(row["blocks"], 0),
                theme.number(row["pixels"], 0),
                theme.whole(row["params"]),
                theme.whole(row["macs"]),
                theme.number(row["nominal_ratio"], 2),
                theme.number(row["realised_ratio"], 2),
                "–" if known is None else theme.whole(known["params"]),
                "–" if known is None else theme.whole(known["macs"]),
            ]
        )
    return table(header, cells)
