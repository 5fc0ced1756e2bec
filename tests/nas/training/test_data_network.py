"""A search's networks are the data's: they tell its classes apart, and say which."""

from pathlib import Path

import pytest
from PIL import Image

from nas.cli import main
from nas.networks.cost import cost
from nas.runs.study import recorded
from search_spaces.yaml_io import load_arch, read_about

CLASSES = ("ants", "bees", "crabs", "doves", "elks")
QUICK = [
    "data=imagefolder",
    "data.path=pets",
    "search.trials=1",
    "search.workers=1",
    "evaluator.epochs=1",
    "evaluator.resolution=32",
    "sampler=random",
]


@pytest.fixture(autouse=True)
def _five_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(CLASSES):
        Path("pets", name).mkdir(parents=True)
        for index in range(6):
            picture = Image.new("RGB", (16, 16), (40 * number, 10 * index, 90))
            picture.save(Path("pets", name, f"{index}.png"))


def test_the_baseline_its_price_and_its_family_are_of_the_datas_classes() -> None:
    main(["search", "run=r", *QUICK])
    baseline = load_arch("r/baseline.yaml")
    assert baseline.num_classes == 5
    assert read_about("r/baseline.yaml")["classes"] == list(CLASSES)
    (record,) = recorded(Path("r"))
    assert record.params == cost(baseline).params
    thousand = cost(baseline.replace(num_classes=1000)).params
    assert thousand - record.params == 995 * (baseline.head.channels + 1)
    main(["scale", "run=r", "baseline=r/baseline.yaml"])
    for name in ("b0", "b7"):
        assert load_arch(f"r/family/{name}.yaml").num_classes == 5
        assert read_about(f"r/family/{name}.yaml")["classes"] == list(CLASSES)
    main(["scale", "run=r", "baseline=r/baseline.yaml", "depth=2"])
    (scaled,) = Path("r/scaled").iterdir()
    assert read_about(scaled)["classes"] == list(CLASSES)


def test_a_setting_has_another_number() -> None:
    main(["search", "run=r", *QUICK, "num_classes=1000"])
    assert load_arch("r/baseline.yaml").num_classes == 1000
    assert "classes" not in read_about("r/baseline.yaml")


def test_a_published_network_may_be_tried_first() -> None:
    main(["search", "run=r", *QUICK, "search.start_from=efficientnet_b0"])
    published = load_arch("efficientnet_b0").replace(num_classes=5)
    assert recorded(Path("r"))[0].key == published.key()


def test_the_published_family_keeps_its_thousand() -> None:
    main(["scale", "run=z"])
    assert load_arch("z/family/b7.yaml").num_classes == 1000
