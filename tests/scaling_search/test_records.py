import json
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

import pytest

from nas.evaluators.base import Measurement
from nas.executors.base import Outcome
from nas.trainings.engine import Network, Trainings
from nas.trainings.records import TrainingLog, TrainingRecord
from search_spaces.errors import UserError
from search_spaces.zoo import zoo


def record(seed, **changes):
    return TrainingRecord(
        **{"key": "k", "seed": seed, "state": "finished", "accuracy": 0.5, **changes}
    )


def test_records_read_back_equal(tmp_path):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    written = [
        record(0, curve=(0.1, 0.5), seconds=1.5, network={"alpha": 1.2, "compact": "α"}),
        record(1, state="failed", accuracy=None, reason="diverged"),
        record(2, note="out of memory: batches of 32 in 2 parts"),
    ]
    for each in written:
        log.append(each)
    assert log.read() == written


def test_no_file_is_no_records(tmp_path):
    assert TrainingLog(tmp_path / "sweep.jsonl").read() == []


def test_every_cut_of_the_last_line_loses_that_line_alone(tmp_path):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    log.append(record(0))
    first = log.path.stat().st_size
    log.append(record(1, reason="with a ± that is two bytes long"))
    whole = log.path.read_bytes()
    for cut in range(first, len(whole)):
        log.path.write_bytes(whole[:cut])
        assert [each.seed for each in log.read()] == [0]
        log.repair()
        log.append(record(2))
        assert [each.seed for each in log.read()] == [0, 2]


def test_the_first_record_of_a_training_counts(tmp_path):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    log.append(record(0, accuracy=0.5))
    log.append(record(0, accuracy=0.9))
    assert [each.accuracy for each in log.read()] == [0.5]


@pytest.mark.parametrize("line", ["{", "[]", '{"key": "k"}', "null", ""])
def test_a_damaged_line_is_named(tmp_path, line):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    log.append(record(0))
    with log.path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match=r"sweep\.jsonl: line 2: not a record"):
        log.read()


def test_each_record_is_a_line_of_json(tmp_path):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    log.append(record(0, reason="two\nlines"))
    (line,) = log.path.read_text().splitlines()
    assert json.loads(line)["reason"] == "two\nlines"


def test_a_full_disk_is_one_line_and_what_is_on_record_stays(tmp_path):
    network = Network(zoo("efficientnet_b0"), {})
    trainings = Trainings.on_record([network], TrainingLog(tmp_path / "sweep.jsonl"))
    outcome = Outcome(number=0, measurements=(Measurement(accuracy=0.5),))
    trainings.put((0, 0), outcome)
    size, (soft, hard) = trainings.log.path.stat().st_size, getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (size + 20, hard))
    try:
        with pytest.raises(UserError, match=r"sweep\.jsonl: cannot be written: File too large; "):
            trainings.put((0, 1), outcome)
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))
    trainings.log.repair()
    trainings.put((0, 2), outcome)
    assert [record.seed for record in trainings.log.read()] == [0, 2]
