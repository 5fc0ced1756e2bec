"""Overrides that no one should write, for every setting of every verb, and what they may do."""

import contextlib
import functools
import io
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from PIL import Image

from nas.cli import VERBS, main
from nas.cli.compose import compose, names_of
from nas.cli.overrides import Arguments
from nas.cli.verbs import module
from nas.evaluators.base import Measurement
from nas.networks.trained import WEIGHTS
from trained_folders import trained_folder

SECONDS = 10.0
"""Seconds of processor time that a call may take; one that takes ten times as long hangs."""

VALUES = (
    "3", "-1", "0", "1e400", "-1e400", "1e-300", "123456789012345678901234567890", "true", "null",
    "nan", "inf", "[]", "[3]", "[null]", "[a,[b]]", "{}", "{a: 1}", "{_target_: 3}",
    "{_target_: nas.searches.rewards.Soft}", "x", "", " ", "''", "'3'",
    "x" * 300, "x/" * 2100, "ü (é), #1",
    "a=b", "1e-9", "\x1b[2J", "a\nb", "\udcff", "${nothing}", "${run}", "${", "[", "{a",
    "'", "\\", "!", "*", "a,b", "choice(a,b)", "f(x)", "~", "/dev/null", ".", "..",
    "efficientnet_b0", "2001-99-99",
)  # fmt: skip

_FORMS: Mapping[str, Callable[[str, str], str]] = {
    "set": lambda name, value: f"{name}={value}",
    "add": lambda name, value: f"+{name}={value}",
    "force": lambda name, value: f"++{name}={value}",
    "inside": lambda name, value: f"{name}.new={value}",
    "add inside": lambda name, value: f"+{name}.new={value}",
    "delete": lambda name, value: f"~{name}",
    "delete value": lambda name, value: f"~{name}={value}",
    "package": lambda name, value: f"{name}@somewhere={value}",
    "add package": lambda name, value: f"+{name}@{name}={value}",
    "misspelt": lambda name, value: f"{name[:-1]}={value}",
    "new": lambda name, value: f"+new={value}",
    "no name": lambda name, value: f"={value}",
}
_WEIGHTS = (20, 2, 3, 1, 2, 6, 1, 1, 1, 2, 1, 1)

_NET = "{resolution: 16, num_classes: 3, stem: {channels: 8}, stages: [{channels: 8, stride: 2}]}"
_TOY = ("evaluator=custom", "evaluator._target_=toy.Toy")
_BASE = {
    "search": ("search.trials=2", "search.workers=1", "sampler=random", "run=out"),
    "run": ("search.trials=2", "search.workers=1", "sampler=random", "run=out"),
    "sweep": ("run=out",),
    "ablate": ("run=out", "train=true"),
    "latency": ("networks=[net.yaml]", "run=out", "runs=2", "warmup=1", "device=cpu"),
    "cost": ("networks=[net.yaml]",),
    "scale": ("run=out",),
    "train": ("network=net.yaml", "run=out", "device=cpu", "data.limit=100"),
    "evaluate": ("weights=trained", "out=out", "device=cpu", "data.limit=100"),
    "predict": ("weights=trained", "images=images", "device=cpu"),
    "explain": ("weights=[trained]", "images=images", "device=cpu"),
    "export": ("network=net.yaml", "format=timm", "out=out.py"),
    "bench": (*_TOY, "run=out"),
    "proxy-check": ("run=out", "networks=5", "workers=1"),
    "dashboard": ("run=out",),
    "zoo": (),
}
"""Overrides that make a call of each verb short"""


class _Reached(BaseException):
    """Raised once settings were read or enough was trained: the rest does not test overrides."""


class _Hangs(BaseException):
    """Raised when a call takes longer than it may."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A call that did not end as it should, and how it ended."""

    arguments: tuple[str, ...]
    why: str
    printed: str

    def __str__(self) -> str:
        return f"{self.why}: {list(self.arguments)!r}\n{self.printed[-2000:]}"


def calls(seed: int) -> Iterator[tuple[str, ...]]:
    """Endless calls of a verb, made short, with an override; the same seed gives the same calls."""
    rng = random.Random(seed)
    names = {verb: _names(verb) for verb in VERBS}
    forms = list(_FORMS.values())
    while True:
        verb = rng.choices(list(VERBS), weights=[1 + len(names[v]) for v in VERBS])[0]
        (form,) = rng.choices(forms, weights=_WEIGHTS)
        override = form(rng.choice(names[verb] or ["run"]), rng.choice(VALUES))
        yield (verb, *_BASE[verb], override)


def check(arguments: tuple[str, ...], most_seconds: float = SECONDS) -> Finding | None:
    """Make the call in an empty folder; None where it ended as it should.

    It should end with code 0, or with code 2, one line that names the mistake and nothing written;
    there should be no traceback, and nothing outside the folder.
    """
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "home" / "here"
        folder.mkdir(parents=True)
        (folder / "net.yaml").write_text(_NET)
        _write_trained(folder)
        before = _files(root)
        started = time.process_time()
        code, out, err = _call(arguments, folder, 10 * most_seconds)
        seconds = time.process_time() - started
        written = _files(root) - before
    why = _judged(code, out, err, {name for name in written if not _is_cache(name)})
    if not why and any(not name.startswith("home/here/") for name in written):
        why = f"wrote {sorted(written)} outside the folder"
    if not why and seconds > most_seconds:
        why = f"took {seconds:.0f} s"
    return Finding(arguments, why, out + err) if why else None


@functools.cache
def _trained() -> bytes:
    """The weights of a network that tells digits apart."""
    with tempfile.TemporaryDirectory() as root:
        trained_folder(Path(root) / "trained")
        return (Path(root) / "trained" / WEIGHTS).read_bytes()


def _write_trained(folder: Path) -> None:
    for name in ("trained", "images"):
        (folder / name).mkdir()
    (folder / "trained" / WEIGHTS).write_bytes(_trained())
    Image.new("RGB", (20, 20), (200, 30, 30)).save(folder / "images" / "red.png")


def _judged(code: object, out: str, err: str, written: set[str]) -> str:
    if "Traceback" in err or isinstance(code, str):
        return f"traceback {code}"
    if code == 0:
        return ""
    if code != 2:
        return f"exit code {code}"
    lines = [line for line in err.split("\n") if line and not _is_progress(line)]
    if len(lines) != 1 or not lines[0].startswith("nas-search: "):
        return f"{len(lines)} lines"
    if len(lines[0]) > 1000:
        return f"a line of {len(lines[0])} characters"
    if not lines[0].isprintable():
        return "a line that is not printable"
    return f"a mistake wrote {sorted(written)}" if written else ""


def _is_progress(line: str) -> bool:
    return re.match(r"[\w -]+ \d+/\d+|left out: |looking for ", line) is not None


def _is_cache(name: str) -> bool:
    return "__pycache__" in name


def _call(arguments: tuple[str, ...], folder: Path, most_seconds: float) -> tuple[object, str, str]:
    out, err = io.StringIO(), io.StringIO()
    here, path = os.getcwd(), list(sys.path)
    os.chdir(folder)
    signal.signal(signal.SIGALRM, _hangs)
    signal.setitimer(signal.ITIMER_REAL, most_seconds)
    try:
        with (
            mock.patch.dict(os.environ, {"HOME": str(folder.parent)}),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _short_trainings(),
        ):
            main(arguments)
        code: object = 0
    except SystemExit as stopped:
        code = 0 if stopped.code is None else stopped.code
    except _Reached:
        code = 0
    except _Hangs:
        code = "hang"
    except BaseException as error:
        code = f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        os.chdir(here)
        sys.path[:] = path
    return code, out.getvalue(), err.getvalue()


def _hangs(number: int, frame: object) -> None:
    raise _Hangs


@contextlib.contextmanager
def _short_trainings() -> Iterator[None]:
    def reached(*arguments: Any, **settings: Any) -> Any:
        raise _Reached

    trainings = iter(range(5))

    def measured(self: Any, arch: Any, seed: int, report: Any) -> Measurement:
        if next(trainings, None) is None:
            raise _Reached
        return Measurement(accuracy=0.5)

    ends = ("scaling_search.sweep.run_sweep", "scaling_search.ablate.train_ablation",
            "scaling_search.parts.train_parts", "scaling_search.per_stage.run_per_stage",
            "nas.cli.commands.bench.find_reference",
            "nas.executors.local.Processes.__enter__", "nas.executors.ray_tasks.RayTasks.__enter__",
            "nas.executors.ray_tune.executor.RayTune.__enter__",
            "nas.latency.profile.build_table", "nas.verbs.training_crew.train",
            "nas.executors.ray_train.train_with_ray")  # fmt: skip
    with contextlib.ExitStack() as stack:
        for end in ends:
            stack.enter_context(mock.patch(end, reached))
        stack.enter_context(mock.patch("nas.evaluators.proxy.ProxyEvaluator.evaluate", measured))
        yield


def _names(verb: str) -> list[str]:
    return names_of(compose(module(verb), Arguments((), ())).settings)


def _files(root: str) -> set[str]:
    return {str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file()}
