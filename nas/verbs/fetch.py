"""Published tables of accuracies, as files of this machine."""

import os
from pathlib import Path

from nas.data.benchmarks import Benchmark
from nas.defaults.conf import config_dir
from nas.verbs.config import Config, make
from search_spaces.errors import UserError


def fetched(config: Config) -> Path:
    """The file of the benchmark that is named, downloaded where it is not there yet.

    Raises UserError where none is named, CommandFailed where it cannot be downloaded.
    """
    if config.get("benchmark") is None:
        known = ", ".join(sorted(path.stem for path in (config_dir() / "benchmark").glob("*.yaml")))
        raise UserError(f"benchmark: missing; give one of {known}")
    benchmark: Benchmark = make(config["benchmark"], "benchmark", Benchmark)
    return benchmark.fetch(Path(config["out"]) if config["out"] else _cache())


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "nas-search" / "benchmarks"
