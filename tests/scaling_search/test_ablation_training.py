import csv

import pytest

from nas.trainings.log import TrainingLog
from scaling_search.ablate import train_ablation
from scaling_search.grow.ablation import ablate
from scaling_search.judge.directions import make_directions
from scaling_search.judge.observations import observe
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.errors import UserError
from search_spaces.zoo import zoo
from synthetic import Failing, Surface, here, nowhere

B0 = zoo("efficientnet_b0")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = tmp_path_factory.mktemp("ablation")
    evaluator = Surface(diary=str(run / "diary"))
    told = []
    ways = train_ablation(
        ablate(B0, [2, 4], PAPER),
        evaluator,
        run,
        here(evaluator),
        seeds=2,
        progress=lambda *now: told.append(now[:2]),
    )
    return run, evaluator, ways, told


def test_the_baseline_and_every_way_are_trained_with_every_seed(trained):
    run, _, ways, told = trained
    assert [(way.network.kind, way.network.target_ratio) for way in ways] == [("baseline", 1)] + [
        (kind, ratio) for ratio in (2, 4) for kind in ("depth", "width", "resolution", "compound")
    ]
    assert {way.seeds for way in ways} == {2}
    assert told == [(done, 18) for done in range(1, 19)]
    assert len((run / "diary").read_text().splitlines()) == 18


def test_the_best_of_each_ratio_and_its_ties_are_marked(trained):
    run, _, ways, _ = trained
    for ratio in (2, 4):
        rivals = [way for way in ways if way.network.target_ratio == ratio]
        assert max(rivals, key=lambda way: way.accuracy).tied
    with (run / "ablation_accuracy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == [way.network.kind for way in ways]
    assert [float(row["accuracy"]) for row in rows] == pytest.approx(
        [way.accuracy for way in ways], abs=1e-6
    )


def test_a_rerun_trains_nothing(trained):
    run, evaluator, ways, _ = trained
    before = (run / "ablation.jsonl").read_bytes()
    assert train_ablation(ablate(B0, [2, 4], PAPER), evaluator, run, nowhere, seeds=2) == ways
    assert (run / "ablation.jsonl").read_bytes() == before


def test_its_records_feed_the_smooth_surface(trained):
    run, *_ = trained
    records, directions = (
        TrainingLog(run / "ablation.jsonl").read(),
        make_directions(COMPOUND, 2, 4),
    )
    seen = observe(records, B0, directions)
    assert seen.counts.sum() == 18
    assert 0.0 in seen.places.growth[:, 0]
    assert not len(observe(records, zoo("mobilenet_v2"), directions).places)


def test_a_way_that_fails_has_its_reason(tmp_path):
    evaluator = Failing(resolution=309)
    ways = train_ablation(
        ablate(B0, [2], PAPER),
        evaluator,
        tmp_path,
        here(evaluator),
        seeds=1,
    )
    (failed,) = (way for way in ways if way.reason)
    assert (failed.network.kind, failed.accuracy, failed.tied) == ("resolution", None, False)
    assert failed.reason == "seed 0: too large an image"


def test_at_least_one_seed_is_needed(tmp_path):
    with pytest.raises(UserError, match=r"^seeds: expected at least 1"):
        train_ablation(ablate(B0, [2], PAPER), Surface(), tmp_path, nowhere, seeds=0)
