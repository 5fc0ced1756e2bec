"""The panels of the estimate and of the forecast, and what marks of the sweep mean."""

from collections.abc import Iterator

from nas.dashboard.estimate import estimate_figure, estimate_table
from nas.dashboard.forecast import LITTLE, Forecast, forecast, forecast_figure, forecast_table
from nas.dashboard.frames import RunFrames
from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.named import MODEL, Estimate, estimate
from nas.dashboard.page import Panel
from nas.dashboard.sweep import Sweep
from nas.dashboard.wording import plural, proxy_sentence, sweep_words


def estimate_panels(frames: RunFrames) -> list[Panel]:
    """The estimate of the constants; no panel where constants.yaml has none."""
    found = estimate(frames.constants, frames.rule)
    if found is None:
        return []
    return [
        Panel(
            id="estimate",
            title=f"What the trainings say of {frames.rule.symbols}",
            caption=estimate_caption(found),
            figure=estimate_figure(found),
            table=estimate_table(found),
            wide=True,
        )
    ]


def forecast_panels(frames: RunFrames) -> list[Panel]:
    """What the members are expected to reach; no panel where no file of the family says."""
    found = forecast(frames)
    if found is None:
        return []
    measured = frames.sweep[frames.sweep["accuracy"].notna()]
    return [
        Panel(
            id="forecast",
            title="What each step up is expected to bring",
            caption=f"{forecast_caption(found)}{proxy_sentence(sweep_words(frames))}",
            figure=forecast_figure(found, measured),
            table=forecast_table(found),
            wide=True,
        )
    ]


def sweep_caption(shown: Sweep, turn: str = "") -> str:
    """What the marks of the sweep's figure are, after how its winner was found.

    `turn` says whether the best direction turns with cost, where that is known.
    """
    return " ".join([*_of_sweep(shown), *_of_stars(shown, turn)])


def _of_stars(shown: Sweep, turn: str) -> Iterator[str]:
    """What the networks at other φ are, and what they tell."""
    if shown.stars.empty:
        return
    phis = ", ".join(f"{phi:g}" for phi in sorted(set(shown.stars["phi"])))
    yield (
        f"Green: networks at φ = {phis}, which cannot win; they were trained to see whether the "
        "best direction turns with cost, and the estimate is fitted over them too."
    )
    if turn:
        yield turn


def _of_sweep(shown: Sweep) -> Iterator[str]:
    if not shown.measured:
        yield "Accuracies are those that a model expects from all trainings."
    yield "Bars are one standard error."
    if shown.strategy != MODEL:
        yield "Filled circles cannot be told from the winner at 95 %: ties."
    elif shown.is_named:
        yield (
            "The winner is the network that a model expects to be the best from all trainings "
            "together; another may have measured better. With a probability of 95 % the best is "
            "the winner or one of its ties, the filled circles."
        )
    else:
        yield "No winner is named yet: a model does so once it has seen enough trainings."
    if shown.strategy == "race":
        yield "Whichever may still be the best was trained more often than the others."
    if shown.undecided:
        yield f"About {plural(shown.undecided, 'more training')} would decide."
    if shown.untrained:
        was = "was" if shown.untrained == 1 else "were"
        yield f"{plural(shown.untrained, 'tie')} {was} not trained and {was} not drawn."
    if shown.failed:
        yield f"{plural(shown.failed, 'candidate')} failed altogether."
    if shown.shaded:
        yield "Shaded: costs outside the band within which the winner was sought."


def candidates_caption(shown: Sweep, rule: GrowthRule, most_rows: int) -> str:
    """What the rows of the candidates are; `most_rows` are drawn."""
    total = len(shown.candidates)
    distinct = "trained network" if shown.strategy == MODEL else "distinct network"
    cut = f" The first {most_rows} of {total}; the table has all." if total > most_rows else ""
    standing = ", coloured by standing: the winner, its ties, the others, those outside the band"
    return (
        f"A row a {distinct}{standing if shown.is_named else ''}. Rounding moves the cost from "
        f"the nominal {rule.formula} to what is built.{cut}"
    )


def estimate_caption(found: Estimate) -> str:
    """What the estimate is made of, and what it gains; the section's head has the verdict."""
    count = found.trainings
    trainings = "all trainings" if count is None else plural(count, "training")
    parts = [
        f"Estimated from {trainings} together, starting from the published constants; bars are "
        "95 % intervals, shaded is what the grid allows.",
    ]
    if found.gain is not None:
        error = "" if found.gain_stderr is None else f" ± {100 * found.gain_stderr:.2f}"
        more = "more" if found.gain >= 0 else "less"
        parts.append(
            f"At equal MACs these are expected to be {100 * abs(found.gain):.2f}{error} points "
            f"{more} accurate than the published."
        )
    return " ".join(parts)


def forecast_caption(shown: Forecast) -> str:
    """Say what is forecast, where it extrapolates, and from where on a step brings little."""
    parts = [
        "Expected from the trainings of scaled networks: proxy accuracy, with the recipe and the "
        "pixels of those trainings, not what the members reach when trained in full. Bars are "
        "95 % intervals."
    ]
    if shown.extrapolated:
        names = _listed(shown.extrapolated)
        parts.append(
            f"Open and dashed, {names}: extrapolated, outside the costs of all networks trained."
        )
    if shown.little_from is not None:
        parts.append(
            f"From {shown.little_from} on, each step up is expected to bring less than "
            f"{100 * LITTLE:g} points."
        )
    return " ".join(parts)


def _listed(names: tuple[str, ...]) -> str:
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
