"""Published EfficientNet B0–B7 and the networks of the paper's Table 2, with their source."""

import functools
from importlib import resources
from typing import Any

import pandas as pd
import yaml


@functools.cache
def _published() -> dict[str, Any]:
    text = resources.files("nas.dashboard").joinpath("published.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


def published_source() -> str:
    """Where the figures come from."""
    return str(_published()["source"]).strip()


def published_efficientnet() -> pd.DataFrame:
    """B0–B7: name, phi, resolution, exact params and macs, ImageNet top1 and top5 in percent."""
    return pd.DataFrame(_published()["efficientnet"])


def published_networks() -> pd.DataFrame:
    """Table 2's other networks, params and macs as printed; macs is NaN where none is given."""
    return pd.DataFrame(_published()["networks"])
