"""The sweep: which constants gave the best proxy accuracy, and what each really cost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.frames import TRAININGS, RunFrames, cost_band
from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.named import MODEL, Expected, strategy
from nas.dashboard.wording import plural, spelling_lines, sweep_words

STANDINGS: Mapping[str, dict[str, Any]] = {
    "winner": {"symbol": "star", "size": 16, "color": theme.VERMILLION},
    "tied with the winner": {"symbol": "circle", "size": 9, "color": theme.BLUE},
    "trained, nothing named yet": {"symbol": "circle-open", "size": 9, "color": theme.BLUE},
    "behind": {"symbol": "circle-open", "size": 8, "color": theme.MUTED},
    "failed with some seed": {"symbol": "x-thin-open", "size": 8, "color": theme.PURPLE},
    "outside the cost band": {"symbol": "diamond-open", "size": 8, "color": theme.ORANGE},
}
STAR: Mapping[str, Any] = {"size": 9, "color": theme.GREEN}
"""Networks at other φ."""
_SYMBOLS = ("triangle-up-open", "triangle-down-open", "square-open", "pentagon-open")
HEIGHT = 560
_FAR = 0.6
"""The part of the axis from which a label to the right of a line no longer fits on a phone."""
_COSTS = {"params": "parameters", "activations": "activations", "latency": "latency"}
"""What the page calls costs, by the sweep's setting; MACs otherwise."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the figures of the sweep draw."""

    candidates: pd.DataFrame
    """Distinct networks with an accuracy: the columns of sweep.csv, `standing`, `label` and `title`
    (the constants), `hover`. The winner first, then by standing, and by accuracy within each."""
    failed: int
    """Candidates without an accuracy."""
    band: tuple[float, float] | None
    """Cost ratios, from and to, among which the winner was sought."""
    target_ratio: float | None
    """The cost ratio that φ asked for."""
    undecided: int | None
    """About how many more trainings would tell the winner from its ties; a model does not say."""
    strategy: str
    """How it was decided what to train: model, race or grid; empty where nothing says."""
    cost: str
    """What cost ratios are of: `MACs`."""
    untrained: int
    """Ties that a model names and that were never trained."""
    stars: pd.DataFrame
    """Networks at other φ with an accuracy, by φ: `hover` beside the candidates' columns."""
    measured: bool
    """Whether accuracies are means of trainings, not what a model expects, which is all that the
    table of a model's sweep says."""

    @property
    def ends(self) -> tuple[float, float]:
        """The cost ratios that figures show, from and to."""
        drawn = (self.candidates, self.stars)
        ratios = [ratio for rows in drawn for ratio in rows["realised_ratio"].dropna()]
        ratios += [self.target_ratio] if self.target_ratio else []
        ratios = ratios or [1.0]  # a table may lack them
        pad = 0.04 * (max(ratios) - min(ratios)) + 0.02
        return min(ratios) - pad, max(ratios) + pad

    @property
    def shaded(self) -> list[tuple[float, float]]:
        """The costs in view that lie outside the band, from and to."""
        (first, last), (low, high) = self.ends, self.band or self.ends
        return [part for part in ((first, low), (high, last)) if part[0] < part[1]]

    @property
    def is_named(self) -> bool:
        """Whether there is a winner."""
        return bool(self.candidates["winner"].any())


def sweep(frames: RunFrames) -> Sweep:
    """The candidates, each with how it stands against the winner."""
    measured = frames.sweep[frames.sweep["accuracy"].notna()]
    asked = frames.settings.asked.get("sweep") or frames.constants
    way = strategy(asked, frames.constants)
    under_way = way == MODEL and not measured["winner"].any()
    rows = measured.to_dict("records")
    measured = measured.assign(
        standing=[_standing(row, under_way) for row in rows],
        label=[constants_label(row, frames.rule) for row in rows],
        title=[_constants_title(row, frames.rule) for row in rows],
    )
    measured = measured.assign(rank=measured["standing"].map(list(STANDINGS).index))
    measured = measured.sort_values(
        ["rank", "accuracy", "candidate"], ascending=[True, False, True], ignore_index=True
    )
    proxy = theme.escaped(sweep_words(frames))
    expected = frames.named.expected if frames.named else {}
    are_means = way != MODEL or bool(measured[TRAININGS].notna().any())
    hovers = [
        _hover(row, proxy, expected.get(row["key"]), are_means)
        for row in measured.to_dict("records")
    ]
    trainings = frames.constants.get("trainings_to_decide")
    ratio = asked.get("target_ratio")
    return Sweep(
        candidates=measured.assign(hover=hovers),
        failed=len(frames.sweep) - len(measured),
        band=cost_band(asked),
        target_ratio=float(ratio) if isinstance(ratio, int | float) else None,
        undecided=trainings if isinstance(trainings, int) and way != MODEL else None,
        strategy=way,
        cost=_COSTS.get(str(asked.get("cost") or frames.constants.get("cost")), "MACs"),
        stars=_stars(frames, proxy),
        untrained=frames.named.untrained if frames.named else 0,
        measured=are_means,
    )


def constants_label(row: Mapping[Any, Any], rule: GrowthRule) -> str:
    """The constants of a candidate: `1.20  1.10  1.15`."""
    return "  ".join(theme.number(row[name], 2) for name in rule.constant_names)


def sweep_figure(frames: RunFrames) -> go.Figure:
    """Proxy accuracy with error bars against the cost ratio as built."""
    shown = sweep(frames)
    figure = go.Figure()
    for standing, marker in reversed(list(STANDINGS.items())):
        rows = shown.candidates[shown.candidates["standing"] == standing]
        if not rows.empty:
            figure.add_scatter(
                x=rows["realised_ratio"],
                y=100 * rows["accuracy"],
                error_y=error_bars(rows, marker["color"]),
                **candidate_markers(rows, standing, marker),
            )
    for phi, rows in shown.stars.groupby("phi"):
        figure.add_scatter(
            x=rows["realised_ratio"],
            y=100 * rows["accuracy"],
            error_y=error_bars(rows, STAR["color"]),
            **candidate_markers(rows, f"at φ = {phi:g}", {**STAR, "symbol": _symbol(shown, phi)}),
        )
    theme.styled(figure, HEIGHT)
    # Above the plot, whose margin then grows with the rows that a narrow screen makes of it.
    above = {"yref": "paper", "y": 1.01, "yanchor": "bottom"}
    figure.update_layout(legend={"traceorder": "reversed", **above}, showlegend=True)
    figure.update_xaxes(title_text=f"{shown.cost} over the baseline's, as built")
    figure.update_xaxes(range=shown.ends)
    _mark_costs(figure, shown)
    for row in shown.candidates[shown.candidates["winner"]].head(1).to_dict("records"):
        figure.add_annotation(_winner_label(row, shown.ends))
    figure.update_yaxes(title_text=theme.PROXY_PERCENT)
    return figure


def _stars(frames: RunFrames, proxy: str) -> pd.DataFrame:
    """The networks at other φ that have an accuracy."""
    stars = frames.stars[frames.stars["accuracy"].notna()].reset_index(drop=True)
    rows = stars.to_dict("records")
    stars = stars.assign(title=[_constants_title(row, frames.rule) for row in rows])
    stars = stars.assign(standing=[f"at φ = {row['phi']:g}; cannot win" for row in rows])
    hovers = [_hover(row, proxy, None, True) for row in stars.to_dict("records")]
    return stars.assign(hover=hovers)


def _symbol(shown: Sweep, phi: object) -> str:
    """A mark of its own for each φ."""
    return _SYMBOLS[sorted(set(shown.stars["phi"])).index(phi) % len(_SYMBOLS)]


def candidate_markers(rows: pd.DataFrame, name: str, marker: dict[str, Any]) -> dict[str, Any]:
    """What the candidates of one standing have in common in every figure."""
    return {
        "mode": "markers",
        "name": name,
        "marker": marker,
        "hovertext": rows["hover"],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def error_bars(rows: pd.DataFrame, color: str) -> dict[str, Any]:
    """One standard error to both sides, in percent; none where it is unknown."""
    return {
        "array": (100 * rows["stderr"]).fillna(0),
        "visible": bool(rows["stderr"].notna().any()),
        "color": color,
        "thickness": 1.2,
        "width": 3,
    }


def _winner_label(row: Mapping[Any, Any], ends: tuple[float, float]) -> dict[str, Any]:
    """The winner's constants above its bar; near an end of the axis, away from that end."""
    along = (row["realised_ratio"] - ends[0]) / (ends[1] - ends[0])
    return {
        "x": row["realised_ratio"],
        "xanchor": "left" if along < 0.32 else "right" if along > 0.68 else "center",
        "y": 100 * (row["accuracy"] + (0 if math.isnan(row["stderr"]) else row["stderr"])),
        "text": row["title"],
        "yanchor": "bottom",
        "yshift": 8 if math.isnan(row["stderr"]) else 3,
        "showarrow": False,
        "font": {"color": theme.RUST, "size": 12.5},
        "bgcolor": "rgba(255,255,255,0.8)",
    }


def _mark_costs(figure: go.Figure, shown: Sweep) -> None:
    """Costs outside the band within which the winner was sought, and the ratio asked for."""
    for start, stop in shown.shaded:
        figure.add_vrect(start, stop, fillcolor=theme.WASH, line_width=0, layer="below")
    if shown.target_ratio is not None:
        first, last = shown.ends
        is_far = (shown.target_ratio - first) / (last - first) > _FAR
        figure.add_vline(
            shown.target_ratio,
            line={"color": theme.MUTED, "width": 1, "dash": "dot"},
            annotation={
                "text": f"{shown.target_ratio:g} × asked for",
                "font": {"size": 12, "color": theme.MUTED},
                "xshift": -4 if is_far else 4,
            },
            annotation_position="bottom left" if is_far else "bottom right",
        )


def _constants_title(row: Mapping[Any, Any], rule: GrowthRule) -> str:
    """The constants with their symbols: `α 1.20, β 1.10, γ 1.15`."""
    pairs = ((each.symbol, theme.number(row[each.constant], 2)) for each in rule.dimensions)
    return ", ".join(f"{symbol} {value}" for symbol, value in pairs)


def _standing(row: Mapping[Any, Any], under_way: bool) -> str:
    """`under_way`: a model has not named any of its networks yet."""
    if row["winner"]:
        return "winner"
    if not row["in_band"]:
        return "outside the cost band"
    if row["reason"]:
        return "failed with some seed"
    if under_way:
        return "trained, nothing named yet"
    return "tied with the winner" if row["tied"] else "behind"


def _hover(row: Mapping[Any, Any], proxy: str, expected: Expected | None, are_means: bool) -> str:
    seeds = "" if math.isnan(row["seeds"]) else f", {plural(int(row['seeds']), 'seed')}"
    points = "" if math.isnan(row["points"]) else plural(int(row["points"]), "grid point")
    accuracy = theme.percent_pm(row["accuracy"], row["stderr"], 2)
    lines = [
        row["standing"],
        f"failed: {theme.escaped(row['reason'])}" if row["reason"] else "",
        f"proxy accuracy {accuracy}{seeds}" if are_means else _expected(accuracy),
        _expected(_expectation(expected)) if expected and are_means else "",
        f"<i>{proxy}</i>" if proxy else "",
        f"cost × {theme.number(row['realised_ratio'], 2)} as built, "
        f"× {theme.number(row['nominal_ratio'], 2)} nominal",
        f"{theme.count(row['macs'], 4)} MACs, {theme.count(row['params'], 4)} params",
        f"stands for {points}" if points else "",
        theme.escaped(row["note"]),
    ]
    return theme.hover(row["title"], [*filter(None, lines), *spelling_lines(row["compact"])])


def _expected(accuracy: str) -> str:
    return f"expected from all trainings {accuracy}"


def _expectation(expected: Expected) -> str:
    stderr = math.nan if expected.stderr is None else expected.stderr
    return theme.percent_pm(expected.accuracy, stderr, 2)
