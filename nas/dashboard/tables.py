"""The tables of the sweep's candidates and of the family."""

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table
from nas.dashboard.published import published_efficientnet
from nas.dashboard.sweep import sweep


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
    return table(
        header, cells, name="The candidates", marked=[i for i, w in enumerate(rows["winner"]) if w]
    )


def family_table(frames: RunFrames) -> Markup:
    """The family, with its multipliers, costs and the published network of the same name."""
    published = published_efficientnet().set_index("name")
    header = [
        "network", "φ", *(f"{name} ×" for name in frames.rule.multiplied), "blocks", "px",
        "params", "MACs", "nominal ×", "realised ×", "published params", "published MACs",
    ]  # fmt: skip
    asked = [name for name in ("target", "limited") if frames.family[name].any()]
    header += asked
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
                *(row[name] for name in asked),
            ]
        )
    return table(header, cells, name="The networks of the family")
