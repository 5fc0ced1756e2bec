"""A caller's mistake is one line, which names the argument, and leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.api.given import data_option

MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: nas.search("digit"), "data: digit: neither a file or folder of images nor the name"),
    (lambda: nas.search("imagefolder"), "data.path: missing: expected a value"),
    (lambda: nas.search(Path("photos")), "data: photos: no such file or folder"),
    (lambda: nas.search("a" * 5000), "data: "),
    (lambda: nas.search("~no-such-user/photos"), "data: ~no-such-user/photos: no such file"),
    (lambda: nas.search(None), "data: missing; leave it as it is"),  # type: ignore[arg-type]
    (lambda: nas.search(evaluator={1: 2}), "evaluator.1: proxy has no such setting"),  # type: ignore[dict-item]
    (lambda: nas.search(ray=[1]), "ray: expected an option's settings, got [1]"),  # type: ignore[arg-type]
    (lambda: nas.search(ray="auto"), "ray: 'auto': no such option"),  # type: ignore[arg-type]
    (lambda: nas.sweep("efficientnet_b0", ray={1: 2}), "ray.1: default has no such setting"),  # type: ignore[dict-item]
    (lambda: nas.train("efficientnet_b0", ray=3), "ray: expected"),  # type: ignore[arg-type]
    (lambda: nas.search(run=5), "run: expected a path, got 5"),  # type: ignore[arg-type]
    (lambda: nas.search(trials="4"), "search.trials: expected an integer, got '4'"),  # type: ignore[arg-type]
    (lambda: nas.search(trials=0), "search.trials: "),
    (lambda: nas.search(space="mnasnett"), "space: 'mnasnett': no such option; did you mean"),
    (lambda: nas.search(space="own.yaml"), "own.yaml: no such file"),
    (lambda: nas.search(evaluator=object()), "evaluator: expected an Evaluator"),  # type: ignore[arg-type]
    (lambda: nas.search(evaluator=None), "evaluator: missing; leave it as it is"),  # type: ignore[arg-type]
    (lambda: nas.search(executor="rays"), "executor: 'rays': no such option; did you mean 'ray'"),
    (lambda: nas.search(ray={"cpu": 1}), "ray.cpu: default has no such setting; did you mean"),
    (lambda: nas.sweep("nope"), "baseline: "),
    (lambda: nas.sweep(5), "baseline: expected a network"),  # type: ignore[arg-type]
    (lambda: nas.sweep(settings={"stepp": 1}), "sweep.stepp: model has no such setting; did you"),
    (lambda: nas.scale(constants="none.yaml"), "none.yaml: no such file"),
    (lambda: nas.scale(constants={"alpha": 1.2}), "beta: give all of alpha, beta and gamma"),
    (lambda: nas.scale(phis=[1, 1], constants={"alpha": 1.2, "beta": 1.1, "gamma": 1.1}), "phis: "),
    (lambda: nas.train("nope"), "network: "),
    (lambda: nas.train("efficientnet_b0", recipe="short"), "recipe: "),
    (lambda: nas.train("efficientnet_b0", name="a/b"), "name: expected the name of a folder"),
    (lambda: nas.evaluate("nowhere"), "weights: nowhere: no such file or folder"),
    (lambda: nas.predict("nowhere", "photos"), "images: "),
    (lambda: nas.export("efficientnet_b0", "tim"), "format: got 'tim'; did you mean 'timm'?"),
    (lambda: nas.ablate(ratios=["2"]), "ratios: expected a list of numbers"),  # type: ignore[list-item]
    (lambda: nas.proxy_check(networks=2), "networks: expected an integer of at least 5, got 2"),
]


@pytest.mark.parametrize(("call", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_one_line(
    call: Callable[[], Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nas.UserError) as error:
        call()
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_data_may_be_where_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "rows"):
        Path(name).mkdir()
    Path("rows/train.parquet").touch()
    assert data_option("photos") == nas.Option("imagefolder", path="photos")
    assert data_option(Path("rows")) == nas.Option("parquet", path="rows")
    assert data_option("rows/train.parquet") == nas.Option("parquet", path="rows/train.parquet")
    Path("digits").mkdir()
    assert data_option("digits") == "digits", "a name is a name"
    assert data_option(Path("digits")) == nas.Option("imagefolder", path="digits")
