"""What trained networks cost and are worth, as a table for the terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nas.networks.cost import cost
from nas.statistics.metrics import METRICS, Metric
from nas.verbs.columns import table

if TYPE_CHECKING:
    from nas.networks.tested import Accuracy, Tested
    from nas.networks.trained import Card


def trained_table(cards: "Mapping[str, Card]", folder: Path) -> str:
    """A table of trained networks: what they cost, and how accurate they are."""
    metrics = {card.metric for card in cards.values()} | {"accuracy"}
    judged: dict[str, Metric] = {
        f"test {METRICS[each]}": each for each in ("mean_per_class", "accuracy") if each in metrics
    }
    header = (
        *("network", "px", "params", "MACs", "epochs", "best epoch", "minival"),
        *judged,
        *("top-5", "loss", "calibration error", "folder"),
    )
    rows = []
    for name, card in cards.items():
        price, minival, test = cost(card.arch), card.minival, card.test
        rows.append(
            (
                name,
                card.arch.resolution,
                f"{price.params:,}",
                f"{price.macs:,}",
                card.epochs,
                card.best_epoch,
                "" if minival is None else f"{minival:.4f}",
                *(with_interval(test.by(each) if test else None) for each in judged.values()),
                *_figures(test),
                folder / name,
            )
        )
    return table(header, rows)


def with_interval(found: "Accuracy | None") -> str:
    """An accuracy and its 95 % interval; nothing for none."""
    return "" if found is None else f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"


def _figures(test: "Tested | None") -> tuple[str, ...]:
    if test is None:
        return "", "", ""
    rest = (f"{x:.4f}" if x is not None else "" for x in (test.loss, test.calibration_error))
    return with_interval(test.top5), *rest
