"""A run's networks are the data's: they tell its classes apart, and say which."""

from pathlib import Path

import pytest
from PIL import Image

from nas.cli import main
from nas.networks.cost import cost
from nas.runs.study import recorded
from nas.trainings.log import SWEEP, TrainingLog
from search_spaces.arch import Arch
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


TRAINED = [*[each for each in QUICK if not each.startswith(("search", "sampler"))], "workers=1"]
TWO = ["sweep=grid", "sweep.step=0.4", "sweep.seeds=1"]


def of_five_classes(folder: str) -> list[Arch]:
    """The networks of a folder, once all have been found to tell the data's classes apart."""
    found = [load_arch(str(path)) for path in sorted(Path(folder).glob("*.yaml"))]
    assert {arch.num_classes for arch in found} == {5}
    for path in Path(folder).glob("*.yaml"):
        about = read_about(path)
        assert about["classes"] == list(CLASSES)
        assert about["params"] == cost(load_arch(str(path))).params
    return found


def test_a_run_is_of_the_datas_classes_from_the_search_to_the_family(
    capsys: pytest.CaptureFixture[str],
) -> None:
    family = ["family.resolution_multiple=32", "phis=[1,2]"]
    main(["run", "run=r", *QUICK, *TWO, "executor@sweep_executor=local", "workers=1", *family])
    assert {record.arch.num_classes for record in TrainingLog(Path("r", SWEEP)).read()} == {5}
    assert len(of_five_classes("r/family")) == 3
    assert "B0, B1, B2: fed more pixels than any image of the data has (16)" in (
        capsys.readouterr().out
    )


def test_a_published_baseline_is_swept_and_scaled_for_the_datas_classes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["sweep", "run=r", *TRAINED, *TWO, "executor=local"])
    records = TrainingLog(Path("r", SWEEP)).read()
    assert {record.arch.num_classes for record in records} == {5}
    assert {record.labels["params"] for record in records} == {
        cost(record.arch).params for record in records
    }
    main(["scale", "run=r", "coefficients=formula", "phis=[1]"])
    b0, _ = of_five_classes("r/family")
    assert b0.key() == load_arch("efficientnet_b0").replace(num_classes=5).key()
    assert "fed more pixels than any image of the data has (16)" in capsys.readouterr().out
    main(["scale", "run=r"])
    assert len(of_five_classes("r/family")) == 8
    main(["scale", "run=r", "width=2"])
    of_five_classes("r/scaled")
    main(["ablate", "run=r", "ratio=2"])
    of_five_classes("r/ablation")
    main(["scale", "run=r", "num_classes=7"])
    assert load_arch("r/family/b1.yaml").num_classes == 7
    assert "classes" not in read_about("r/family/b1.yaml")


def test_an_ablation_is_trained_for_the_datas_classes() -> None:
    main(["ablate", "run=r", *TRAINED, "executor=local", "train=true", "seeds=1", "ratio=1.5"])
    of_five_classes("r/ablation")
    records = TrainingLog(Path("r", "ablation.jsonl")).read()
    assert {record.arch.num_classes for record in records} == {5}
    main(["scale", "run=r"])
    of_five_classes("r/family")


def test_a_sweep_may_be_of_another_number_and_by_another_cost() -> None:
    other = ["num_classes=1000", "sweep.cost=activations"]
    main(["sweep", "run=r", *TRAINED, *TWO, "executor=local", *other])
    unit = cost(load_arch("efficientnet_b0")).activations
    for record in TrainingLog(Path("r", SWEEP)).read():
        ratio = cost(record.arch).activations / unit
        assert record.labels["realised_ratio"] == pytest.approx(ratio, abs=1e-6)
    assert {each.arch.num_classes for each in TrainingLog(Path("r", SWEEP)).read()} == {1000}
    main(["scale", "run=r"])
    assert load_arch("r/family/b1.yaml").num_classes == 1000
