"""`nas-search scale`: a baseline becomes a family of YAML files, or one larger network."""

from pathlib import Path

from nas.verbs.config import Config
from nas.verbs.scale import expected, family, family_report, given_dimensions, one, write
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Write `family/b0.yaml` …, or `scaled/NAME.yaml`, and print what they cost."""
    file, run = str(config["baseline"]), Path(config["run"])
    baseline = load_arch(file)
    if given_dimensions(config):
        print(one(baseline, config, run))
        return
    members = family(baseline, config, run)
    forecast = expected(members, run)
    folder = write(members, forecast, config, run, file)
    report = family_report(members, forecast, run, file, config["depth_rounding"])
    print(f"{report}\n\nwritten to {folder}")
    own = run / "constants.yaml"
    if config["coefficients"] == "published" and own.is_file():
        print(f"grown by the published rows; coefficients=formula grows by {own}")
