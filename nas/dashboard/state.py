"""How far each stage of a run has come, in words: nothing for a stage that is finished."""

from collections.abc import Iterator

from nas.dashboard.frames import TRAININGS, RunFrames
from nas.dashboard.named import MODEL, is_answered, strategy
from nas.dashboard.wording import plural

_STAGES = {
    "search": "the search",
    "confirm": "the confirmation of its best",
    "sweep": "the sweep",
    "ablate": "the ablation",
    "parts": "the parts",
}


def so_far(frames: RunFrames, stage: str) -> str:
    """How far a stage has come: `12 of 24 trials`; empty where it is done."""
    match stage:
        case "search":
            if not records_are_here(frames):
                return ""
            return _part(len(frames.finished), frames.settings.trials_asked, "trial")
        case "confirm":
            asked = frames.settings.confirm_asked
            most = None if asked is None else min(asked, len(frames.finished))
            return "" if so_far(frames, "search") else _part(frames.confirming, most, "network")
        case "sweep" if strategy(frames.settings.asked.get("sweep") or {}, {}) == MODEL:
            return _of_a_model(frames)
        case "sweep":
            said = _part(*_settled(frames, stage, 1), "network")
            return said or _without_answer(frames)
        case "parts":
            asked = len(frames.parts.arms) * frames.parts.seeds
            return _part(frames.parts.done, asked, "training")
        case _:
            return _part(*_settled(frames, stage, frames.settings.seeds_asked), "network")


def records_are_here(frames: RunFrames) -> bool:
    """Whether the search keeps its records in the run folder, not in a database elsewhere."""
    return (frames.folder / "study.db").exists()


def unfinished(frames: RunFrames, stage: str) -> str:
    """A sentence that says how far an unfinished stage has come; empty where it is done."""
    said = so_far(frames, stage)
    if not said:
        return ""
    if frames.holder is not None:
        return f"Under way: {said} so far."
    return f"Not finished: {said}. The same command goes on from there."


def run_state(frames: RunFrames) -> str:
    """How far the whole run has come, in one line, and which process writes to its folder."""
    parts = list(_parts(frames))
    if frames.holder is not None:
        return ": ".join(filter(None, [f"Under way ({frames.holder})", ", ".join(parts)])) + "."
    return f"Not finished: {', '.join(parts)}." if parts else ""


def _parts(frames: RunFrames) -> Iterator[str]:
    for stage, name in _STAGES.items():
        if said := so_far(frames, stage):
            yield f"{name}, {said}"


def _settled(frames: RunFrames, stage: str, seeds: int) -> tuple[int, int | None]:
    """Networks of a stage with all the trainings that each is sure to get, and all networks."""
    asked = frames.settings.networks_asked(stage)
    table = frames.sweep if stage == "sweep" else frames.ablation
    return int((table[TRAININGS] >= seeds).sum()), None if asked is None else len(asked)


def _without_answer(frames: RunFrames) -> str:
    """A race trains some networks again, until its answer is written."""
    asked = frames.settings.asked.get("sweep")
    answered = not asked or is_answered(asked, frames.constants)
    return "" if answered else "every network is measured, no winner is named"


def _of_a_model(frames: RunFrames) -> str:
    """A model ends whenever it is sure enough, and does not train every network."""
    if is_answered(frames.settings.asked["sweep"], frames.constants):
        return ""
    done, most = frames.sweep_trainings, frames.settings.trainings_asked
    # Trainings of a sweep by another strategy are on record too, and not in its budget.
    if most is None or done > most:
        return f"{plural(done, 'training')}, no constants are named"
    return f"{done} of at most {plural(most, 'training')}"


def _part(done: int, asked: int | None, thing: str) -> str:
    return "" if asked is None or done >= asked else f"{done} of {plural(asked, thing)}"
