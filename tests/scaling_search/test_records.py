import json
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

import pytest
import yaml

from nas.evaluators.base import Measurement
from nas.executors.base import Outcome
from nas.trainings.engine import LabelledArch, Trainings
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from search_spaces.arch import Arch, Stage
from search_spaces.errors import UserError
from search_spaces.yaml_io import read_arch

SMALL = Arch(name="small", stages=(Stage(channels=8),))


def record(seed, **changes):
    return TrainingRecord(
        **{"arch": SMALL, "seed": seed, "state": "finished", "accuracy": 0.5, **changes}
    )


def test_records_read_back_equal(tmp_path):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    written = [
        record(0, curve=(0.1, 0.5), seconds=1.5, labels={"alpha": 1.2, "compact": "α"}),
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "0123456789abcdef"}, "key: not the key of its arch"),
        ({"arch": {"stages": [{"channels": 8, "kernel": 4}]}}, r"arch\.stages\[0\]\.kernel: "),
        ({"arch": None}, "arch: expected a mapping of Arch fields, got None"),
        ({"network": {}}, "unknown field 'network'"),
        ({"accuracy": 50.0}, "accuracy, curve: expected fractions"),
        ({"accuracy": None}, "accuracy: expected one of a finished training"),
        ({"seconds": -1}, "seconds: expected a number of at least 0"),
        ({"labels": []}, "labels: expected a mapping"),
        ({"labels": {"alpha": [1]}}, r"labels: 'alpha': expected a finite number or text, got \[1"),
        ({"labels": {"macs": {"a": 1}}}, "labels: 'macs': expected a finite number or text"),
        ({"labels": {"macs": None}}, "labels: 'macs': expected a finite number or text, got None"),
        ({"labels": {"macs": True}}, "labels: 'macs': expected a finite number or text, got True"),
        ({"labels": {"macs": 10**400}}, "labels: 'macs': expected a finite number or text, got 1"),
    ],
)
def test_what_is_wrong_with_a_damaged_record_is_told(tmp_path, change, message):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    damaged = record(0).as_mapping() | change
    log.path.write_text(json.dumps(damaged) + "\n")
    with pytest.raises(UserError, match=rf"line 1: not a record of a training: {message}"):
        log.read()


def test_a_record_holds_its_architecture_as_the_yaml_does(tmp_path):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    log.append(record(0))
    (line,) = map(json.loads, log.path.read_text().splitlines())
    assert read_arch(yaml.safe_dump(line["arch"]), "the log") == SMALL
    assert line["key"] == SMALL.key()
    assert "dropout" not in line["arch"], "what is at its default is left out"


def test_records_of_several_evaluators_share_a_log(tmp_path):
    log = TrainingLog(tmp_path / "proxy_check.jsonl")
    for name, accuracy in (("short", 0.4), ("long", 0.6)):
        log.append(record(0, evaluator=name, accuracy=accuracy))
    for name, accuracy in (("short", 0.4), ("long", 0.6), ("other", None)):
        trainings = Trainings.on_record([LabelledArch(SMALL, {})], log, name)
        assert trainings.results == ({} if accuracy is None else {(0, 0): accuracy})


def test_each_record_is_a_line_of_json(tmp_path):
    log = TrainingLog(tmp_path / "sweep.jsonl")
    log.append(record(0, reason="two\nlines"))
    (line,) = log.path.read_text().splitlines()
    assert json.loads(line)["reason"] == "two\nlines"


def test_a_full_disk_is_one_line_and_what_is_on_record_stays(tmp_path):
    network = LabelledArch(SMALL, {})
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
