"""`nas-search sweep`: find the scaling constants of a baseline."""

from pathlib import Path

from nas.verbs.classes import OfClasses
from nas.verbs.config import Config
from nas.verbs.sweep import per_stage, plan, summary, sweep
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Sweep, or go on with a sweep, in the run folder; print the constants."""
    baseline = load_arch(str(config["baseline"]))
    if config["plan"]:
        print(plan(OfClasses.of(baseline, (), config["num_classes"]).network, config))
        return
    run, count = Path(config["run"]), config["per_stage"]
    result = sweep(baseline, config, run)
    print(summary(result, run))
    if count:
        print(f"\n{per_stage(result, count, config, run)}")
