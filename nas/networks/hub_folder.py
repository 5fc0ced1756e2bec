"""A trained network as a folder that `timm.create_model("local-dir:…")` loads, and that is ready
to upload to the Hugging Face hub."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.networks.card import model_card
from nas.networks.hub import MODEL
from nas.networks.model import Network
from nas.networks.timm_export import timm_ends, timm_source
from nas.networks.timm_known import TimmArchitecture, timm_architecture
from nas.networks.trained import Card, read_card, save_trained
from search_spaces.blocks import stage_sizes
from search_spaces.errors import UserError
from search_spaces.files import subfolder, write_text

_CARD, _CONFIG = "README.md", "config.json"
_BRIGHTEST = 255
_USE = """\
```python
{registered}model = timm.create_model("local-dir:FOLDER", pretrained=True)
```

`FOLDER` is where these files are. For what is on the hub it is `hf-hub:OWNER/NAME`, not
`local-dir:FOLDER`{at}.

```python
from nas import load_trained

model, card = load_trained("FOLDER")  # or "hf-hub:OWNER/NAME"
```
"""
_REGISTERED = """\
import sys

import timm

sys.path.append("FOLDER")
import {name}  # registers the network with timm, which does not have it

"""


def write_hub_folder(model: Network, card: Card, folder: Path) -> TimmArchitecture:
    """Write config.json, model.safetensors and README.md into `folder`, which is made where it is
    missing; and for a network that timm does not have, the module that registers it.

    Gives what `create_model` makes the network of. Raises UserError for one that timm cannot
    express, and for a folder with files of these names that no export wrote, before anything is
    written.
    """
    architecture = timm_architecture(card.arch)
    _check_own(folder, (MODEL, _CARD, _CONFIG, f"{architecture.name}.py"))
    source = None if architecture.known else timm_source(card.arch)
    # In ASCII, since names of classes are those of folders, which need not be UTF-8.
    config = json.dumps(hub_config(model, card, architecture), indent=2)
    subfolder(folder.parent, folder.name)
    if source is not None:
        write_text(folder / f"{architecture.name}.py", source)
    save_trained(model, card, folder / MODEL)
    write_text(folder / _CARD, model_card(card, _use(architecture)))
    write_text(folder / _CONFIG, f"{config}\n")
    return architecture


def _check_own(folder: Path, names: Sequence[str]) -> None:
    """Raises UserError where files of these names are somebody's, and would be written over."""
    there = [name for name in names if (folder / name).exists()]
    if not there:
        return
    try:
        read_card(folder / MODEL)
    except UserError:
        raise UserError(
            f"out: {folder} has a {there[0]} that no export wrote; expected another folder"
        ) from None


def hub_config(model: Network, card: Card, architecture: TimmArchitecture) -> Mapping[str, Any]:
    """What timm's config.json says of the network: how to build it, how its images are made
    ready, and what its classes are called."""
    arch = card.arch
    first_conv, classifier = timm_ends(arch)
    side = stage_sizes(arch)[-1][1]
    config: dict[str, Any] = {
        "architecture": architecture.name,
        "num_classes": arch.num_classes,
        "num_features": model.num_features,
        "label_names": list(card.classes),
        "pretrained_cfg": {
            "input_size": [arch.in_channels, arch.resolution, arch.resolution],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": card.crop_pct,
            "crop_mode": "center",
            "mean": [value / _BRIGHTEST for value in card.mean],
            "std": [value / _BRIGHTEST for value in card.std],
            "num_classes": arch.num_classes,
            "pool_size": [side, side],
            "first_conv": first_conv,
            "classifier": classifier,
            "custom_load": False,
        },
    }
    if architecture.arguments:
        config["model_args"] = dict(architecture.arguments)
    return config


def _use(architecture: TimmArchitecture) -> str:
    if architecture.known:
        return _USE.format(registered="import timm\n\n", at="")
    name = architecture.name
    at = f", once `{name}.py` was downloaded from there and imported"
    return _USE.format(registered=_REGISTERED.format(name=name), at=at)
