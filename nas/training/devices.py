"""The device that a training runs on."""

import torch

from search_spaces.errors import UserError


def device_named(name: str, setting: str) -> torch.device:
    """The torch device of that name; `auto` is CUDA where there is one, else the CPU.

    Raises UserError, which names the setting, for one that cannot be used.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{setting}: cannot use {name}: {reason}") from error
    return device
