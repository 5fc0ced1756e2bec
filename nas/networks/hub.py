"""Weights on the Hugging Face hub: a reference to them, as the path of a copy on this machine."""

import re
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from search_spaces.errors import UserError, shown
from search_spaces.files import expanded

PREFIX = "hf-hub:"
"""What a reference to the hub begins with: `hf-hub:timm/efficientnet_b0.ra_in1k`."""
MODEL = "model.safetensors"
"""The file of weights of a model on the hub, and of a folder that is made for it."""
_FILES = (MODEL, "pytorch_model.bin")
"""The files that may hold a model's weights; the first that is there is taken."""
_REFERENCE = re.compile(r"hf-hub:(?P<id>[^@\s]+)(@(?P<revision>[^@\s]+))?")
_PATIENCE = 5.0
"""Seconds that the hub may take to answer"""


def is_reference(weights: str | Path) -> bool:
    """Whether weights are on the hub, not in a file."""
    return str(weights).startswith(PREFIX)


def local_file(weights: str | Path) -> Path:
    """The file of weights that is meant: the path itself, or what a reference to the hub names.

    A reference is `hf-hub:OWNER/NAME`, with `@` and a branch, tag or commit where that matters.
    What is downloaded stays in the hub's cache, and is used where the hub cannot be reached. Raises
    UserError for a model that is not there, has no weights, or asks for an account.
    """
    if not is_reference(weights):
        return expanded(weights)
    reference = str(weights)
    parts = _REFERENCE.fullmatch(reference)
    if parts is None:
        raise UserError(f"{reference}: expected {PREFIX}OWNER/NAME or {PREFIX}OWNER/NAME@REVISION")
    refusal = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else unreachable()
    for name in _FILES:
        try:
            return _downloaded(reference, parts["id"], parts["revision"], name, bool(refusal))
        except LocalEntryNotFoundError as error:
            refusal = refusal or _reason(error)
        except EntryNotFoundError:
            continue
    if refusal:
        raise UserError(
            f"{reference}: {constants.ENDPOINT} cannot be reached ({refusal}), and there is no "
            "copy of what was downloaded before"
        )
    raise UserError(f"{reference}: the model has none of {', '.join(_FILES)}")


def unreachable() -> str:
    """Why the hub does not answer; empty where it does.

    It is asked once: the libraries themselves would try again for most of a minute.
    """
    try:
        huggingface_hub.get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    except Exception as error:  # errors of whatever HTTP library the client is built on
        return _reason(error)
    return ""


def _downloaded(reference: str, model: str, revision: str | None, name: str, copy: bool) -> Path:
    """The file called `name` of a model on the hub; with `copy`, as it was downloaded before.

    Raises EntryNotFoundError where there is none, UserError for what else the hub refuses.
    """
    try:
        return Path(
            huggingface_hub.hf_hub_download(model, name, revision=revision, local_files_only=copy)
        )
    except EntryNotFoundError:
        raise
    except GatedRepoError:
        raise UserError(f"{reference}: its owner gives it to accounts that asked for it") from None
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        what = "revision" if isinstance(error, RevisionNotFoundError) else "model"
        raise UserError(f"{reference}: {constants.ENDPOINT} has no such {what}") from None
    except Exception as error:  # errors of whatever HTTP library the client is built on
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the cache could not be written
        raise UserError(f"{reference}: {constants.ENDPOINT}: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """The first line of the error that caused this one, or of this one."""
    while error.__cause__ is not None:
        error = error.__cause__
    return shown((str(error) or type(error).__name__).splitlines()[0], 200).strip("'\"")
