"""The section of the networks that were trained whole."""

import base64

from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, element, image, phrase
from nas.dashboard.page import Panel, Section
from nas.dashboard.trained import (
    accuracy_against_cost,
    accuracy_against_cost_figure,
    confusion_figure,
    curves_figure,
)
from nas.dashboard.trained_files import MOST_SHEET, Sheet
from nas.dashboard.trained_tables import confusion_table, curves_table, trained_table
from nas.dashboard.wording import plural


def trained_sections(frames: RunFrames) -> list[Section]:
    """The section; none where nothing was trained whole."""
    trained = frames.trained
    if trained.networks.empty and not trained.curves:
        return []
    panels = [*_accuracy_panels(frames), *_curve_panels(frames), *_table_panels(frames)]
    if trained.confusion is not None:
        shown = trained.confusion
        wrong = sum(map(sum, shown.counts)) - sum(row[i] for i, row in enumerate(shown.counts))
        panels.append(
            Panel(
                id="confusion",
                title=f"What {shown.name} takes classes for",
                caption=f"Images of its {shown.split} split by their class, a row, and the class "
                f"they were taken for, a column; {plural(wrong, 'image')} of "
                f"{sum(map(sum, shown.counts)):,} taken for another. Colours are shares of a row.",
                figure=confusion_figure(shown),
                table=confusion_table(shown),
            )
        )
    if trained.sheet is not None:
        panels.append(_sheet_panel(trained.sheet))
    return [Section("trained", "Trained", panels, _state(frames))]


def _state(frames: RunFrames) -> Markup | None:
    under_way = frames.trained.under_way
    if not under_way:
        return None
    said = ", ".join(
        f"{name} after {plural(len(frames.trained.curves[name]), 'epoch')}" for name in under_way
    )
    if frames.holder is not None:
        return phrase(f"Under way: {said}.")
    return phrase(f"Not finished: {said}. The same command goes on from there.")


def _accuracy_panels(frames: RunFrames) -> list[Panel]:
    shown = accuracy_against_cost(frames)
    if shown.networks.empty:
        return []
    caption = (
        "Test images are seen once, after every choice was made; bars are 95 % intervals. MACs are "
        "those at the pixels that a network was trained with."
    )
    if shown.mixed:
        caption += (
            " The networks are judged by different metrics: drawn is the top-1 accuracy, which all "
            "have; the table has each one's own."
        )
    if shown.metric == "mean_per_class":
        caption += " Mean accuracy per class: every class counts alike, however many images it has."
    if len(shown.expected):
        caption += (
            " Hollow: what proxies of the sweep had led to expect of the same member; they are "
            "slimmer, trained for fewer epochs, and judged by the top-1 accuracy on other images."
        )
    if len(shown.published):
        caption += " Diamonds: ImageNet top-1 as published for the EfficientNet of that name."
    figure = accuracy_against_cost_figure(shown)
    title = "Test accuracy against MACs and parameters"
    return [
        Panel(
            id="test-accuracy",
            title=title,
            caption=caption,
            figure=figure,
            table=trained_table(frames),
        )
    ]


def _curve_panels(frames: RunFrames) -> list[Panel]:
    if not frames.trained.curves:
        return []
    caption = (
        "Minival: training images that were held out to choose the epoch, marked by a diamond. "
        "Where the data are judged by the mean accuracy per class, so is the minival. "
        "Training accuracies, dotted, are of images as they were augmented, often the harder ones."
    )
    figure = curves_figure(frames)
    table = curves_table(frames)
    return [
        Panel(id="curves", title="Learning curves", caption=caption, figure=figure, table=table)
    ]


def _table_panels(frames: RunFrames) -> list[Panel]:
    if frames.trained.networks.empty:
        return []
    names = sorted(set(frames.trained.networks["dataset"]) - {""})
    return [
        Panel(
            id="trained-networks",
            title="The trained networks",
            caption=f"Trained whole on {', '.join(names) or 'data without a name'}; intervals are "
            "Wilson's. Weights and their card are in the folder.",
            table=trained_table(frames),
            open_table=True,
            wide=True,
        )
    ]


def _sheet_panel(sheet: Sheet) -> Panel:
    title, id_ = "Where networks see what they name", "activation-maps"
    if sheet.png is None:
        size = f"{MOST_SHEET // 2**20} MiB"
        said = phrase(element("code", sheet.file), f" is larger than the {size} that a page takes.")
        return Panel(id=id_, title=title, caption=said, wide=True)
    source = f"data:image/png;base64,{base64.b64encode(sheet.png).decode()}"
    caption = (
        "Activation maps: the hotter a place, the more it speaks for the class that the network "
        f"names, each map scaled to its own highest place. From {sheet.file}."
    )
    shown = element("div", image(source, title), class_="scroll")
    return Panel(id=id_, title=title, caption=caption, table=shown, open_table=True, wide=True)
