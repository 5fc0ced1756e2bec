"""Weights on the hub are downloaded once, used without a network, and refused on one line."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from cards import CARD
from checkpoint_files import SMALL, holds
from nas.networks import hub
from nas.networks.model import build
from nas.networks.trained import load_trained, read_card, save_trained
from nas.networks.weights import save_weights
from search_spaces.errors import UserError

REFERENCE = "hf-hub:owner/small.tag"


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "unreachable", lambda: "")


@dataclasses.dataclass
class Hub:
    """Stands for `hf_hub_download`: gives the files of a folder, and keeps what it was asked."""

    folder: Path
    asked: list[tuple[str, str, str | None, bool]] = dataclasses.field(default_factory=list)

    def __call__(
        self, repo_id: str, filename: str, *, revision: str | None, local_files_only: bool
    ) -> str:
        self.asked.append((repo_id, filename, revision, local_files_only))
        path = self.folder / filename
        if path.exists():
            return str(path)
        if local_files_only:
            raise LocalEntryNotFoundError("not in the cache")
        raise RemoteEntryNotFoundError("404", response=response())


def response() -> Any:
    """As much of an answer as the library's errors look at."""
    return SimpleNamespace(headers={}, request=None)


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Hub(tmp_path)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fake)
    return fake


def refusal(reference: str) -> str:
    with pytest.raises(UserError) as caught:
        build(SMALL, weights=reference)
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.mark.usefixtures("reachable")
class TestReached:
    def test_a_network_begins_with_the_weights_of_the_hub(
        self, downloads: Hub, tmp_path: Path
    ) -> None:
        model = build(SMALL)
        save_weights(model, tmp_path / "model.safetensors")
        assert holds(build(SMALL, weights=REFERENCE), model.state_dict())
        build(SMALL, weights=f"{REFERENCE}@v1")
        assert downloads.asked == [
            ("owner/small.tag", "model.safetensors", None, False),
            ("owner/small.tag", "model.safetensors", "v1", False),
        ]

    def test_pickled_weights_are_taken_where_there_are_no_others(
        self, downloads: Hub, tmp_path: Path
    ) -> None:
        model = build(SMALL)
        torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
        assert holds(build(SMALL, weights=REFERENCE), model.state_dict())

    def test_a_trained_network_comes_with_its_card(self, downloads: Hub, tmp_path: Path) -> None:
        save_trained(build(SMALL), CARD, tmp_path / "model.safetensors")
        assert read_card(REFERENCE) == load_trained(REFERENCE)[1] == CARD
        assert load_trained(tmp_path)[1] == CARD

    def test_a_model_without_weights(self, downloads: Hub) -> None:
        expected = f"{REFERENCE}: the model has none of model.safetensors, pytorch_model.bin"
        assert refusal(REFERENCE) == expected

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (RepositoryNotFoundError("x", response=response()), "has no such model"),
            (RevisionNotFoundError("x", response=response()), "has no such revision"),
            (GatedRepoError("x", response=response()), "its owner gives it to accounts that asked"),
            (RuntimeError("it took\ntoo long"), "https://huggingface.co: it took"),
            (LocalEntryNotFoundError("lost"), "cannot be reached (lost), and there is no copy"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_the_hub_refuses(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
    ) -> None:
        def refuse(*_: object, **__: object) -> str:
            raise error

        monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
        assert refusal(REFERENCE).startswith(f"{REFERENCE}: ")
        assert message in refusal(REFERENCE)

    def test_a_cache_that_cannot_be_written_is_no_fault_of_the_hub(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> str:
            raise OSError(28, "No space left on device", "/cache")

        monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
        with pytest.raises(OSError, match="No space left"):
            build(SMALL, weights=REFERENCE)

    @pytest.mark.parametrize("name", ["a b", "a/b/c", "a/../b", "-a/b"])
    def test_names_that_no_model_has(self, name: str) -> None:
        assert refusal(f"hf-hub:{name}").count("hf-hub:") >= 1


@pytest.mark.parametrize("text", ["hf-hub:", "hf-hub:a@", "hf-hub:a@b@c", "hf-hub:@b"])
def test_what_is_no_reference(text: str) -> None:
    assert refusal(text).endswith(": expected hf-hub:OWNER/NAME or hf-hub:OWNER/NAME@REVISION")


class TestUnreached:
    def test_a_copy_is_used(self, downloads: Hub, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr(hub, "unreachable", lambda: "no route")
        model = build(SMALL)
        save_weights(model, tmp_path / "model.safetensors")
        assert holds(build(SMALL, weights=REFERENCE), model.state_dict())
        assert downloads.asked[0][-1] is True

    def test_without_a_copy_it_is_told_at_once(self, downloads: Hub, monkeypatch: Any) -> None:
        class Session:
            def head(self, url: str, timeout: float) -> None:
                raise OSError("Name or service not known")

        monkeypatch.setattr("huggingface_hub.get_session", Session)
        assert refusal(REFERENCE) == (
            f"{REFERENCE}: https://huggingface.co cannot be reached (Name or service not known), "
            "and there is no copy of what was downloaded before"
        )

    def test_who_asked_to_stay_offline_is_not_taken_online(
        self, downloads: Hub, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(hub, "unreachable", lambda: pytest.fail("was asked"))
        assert "cannot be reached (HF_HUB_OFFLINE is set), and there is no" in refusal(REFERENCE)

    def test_the_libraries_own_cache_is_where_copies_are(
        self, tmp_path: Path, monkeypatch: Any
    ) -> None:
        """As the library lays its cache out, so that a change of it shows."""
        monkeypatch.setattr(hub, "unreachable", lambda: "no route")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        model, folder = build(SMALL), tmp_path / "models--owner--small.tag"
        commit = "0" * 40
        save_weights(model, folder / "snapshots" / commit / "model.safetensors")
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(commit)
        assert holds(build(SMALL, weights=REFERENCE), model.state_dict())
