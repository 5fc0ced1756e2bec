"""The search spaces that the project ships."""

from pathlib import Path

import yaml

from search_spaces.space import Space, load_space

CONF = Path(__file__).parents[2] / "conf" / "space"
SHIPPED = ("kernel_expand", "mnasnet", "nas_bench_macro", "accel_nasbench")


def shipped(name: str) -> Space:
    return load_space(yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8")))


SPACES = {name: shipped(name) for name in SHIPPED}
