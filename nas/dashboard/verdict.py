"""What a run comes to, in one sentence at the head of its page."""

from collections.abc import Iterator

from nas.dashboard import theme
from nas.dashboard.expected import Best, best_trial
from nas.dashboard.frames import RunFrames
from nas.dashboard.named import Estimate, estimate
from nas.dashboard.wording import plural
from nas.statistics.intervals import NORMAL_QUANTILE
from nas.statistics.metrics import METRICS


def run_verdict(frames: RunFrames) -> str:
    """What search, sweep and whole trainings found, each a clause; empty before any of it."""
    said = "; ".join(_clauses(frames))
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _clauses(frames: RunFrames) -> Iterator[str]:
    if (best := best_trial(frames)) is not None:
        yield _of_search(best)
    if frames.constants:
        yield _of_constants(frames)
    trained = frames.trained.networks
    for row in trained[trained["test"].notna()].tail(1).to_dict("records"):
        low, high = (f"{100 * row[name]:.1f}" for name in ("test_low", "test_high"))
        reached = f"{theme.percent(row['test'])} {METRICS[row['metric']]} [{low}, {high}]"
        yield f"{row['name'].upper()}, trained whole, reaches {reached} on the test images"


def _of_search(best: Best) -> str:
    reached = theme.percent_pm(best.accuracy, best.stderr)
    network = f"a network of {theme.count(best.macs)} MACs"
    if best.name != "Baseline":
        way = "measured" if best.name.startswith("Best measured") else "expected"
        return f"so far the search has {network}, {way} at {reached} proxy accuracy"
    ties = f", tied with {plural(best.ties, 'other')}" if best.ties else ""
    return f"the search names {network}, expected at {reached} proxy accuracy{ties}"


def _of_constants(frames: RunFrames) -> str:
    """Whether the data tell the constants from the published ones, and which are used."""
    found, symbols = estimate(frames.constants, frames.rule), frames.rule.symbols
    named = [frames.constants.get(name) for name in frames.rule.constant_names]
    values = ", ".join(f"{value:g}" for value in named if isinstance(value, int | float))
    if found is None:
        if "estimate" in frames.constants and frames.constants["estimate"] is None:
            return f"the trainings say nothing of {symbols}: {values} are the published constants"
        ties = int(frames.sweep["tied"].sum())
        tied = f", tied with {plural(ties, 'other')}" if ties else ""
        return f"the sweep names {symbols} = {values}{tied}"
    if _is_told(found) and found.gain is not None:
        points = f"{100 * found.gain:.2f} ± {100 * (found.gain_stderr or 0):.2f} points"
        return (
            f"the data tell {symbols} from the published constants: {values} are used, expected "
            f"to bring {points} at equal MACs"
        )
    untold = f"the data do not tell {symbols} from the published constants"
    if named == [each.known for each in found.constants]:
        return f"{untold}, which are used"
    if found.weight is None:
        return f"{untold}; {values} are used"
    way = f"{100 * found.weight:.0f} % of the way to the estimate"
    return f"{untold}, and {values} are used, {way}"


def _is_told(found: Estimate) -> bool:
    """Whether the published constants are as good with a probability below 2.5 %."""
    if found.gain is None or found.gain_stderr is None:
        return False
    return found.gain > NORMAL_QUANTILE * found.gain_stderr
