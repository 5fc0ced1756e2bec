"""What a shell passes arrives as it was given, and odd overrides get one line."""

import itertools
import string
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from nas.cli import VERBS, main
from nas.cli.entry import last_words
from nas.cli.overrides import quoted, read_arguments
from search_spaces.yaml_io import load_arch

sys.path.append(str(Path(__file__).parents[2] / "fuzz"))
from overrides import calls, check

TYPED = [c for c in string.printable if c not in "\n\r\x0b\x0c"]
TOY = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr()
    assert (stopped.value.code, printed.out) == (2, "")
    assert printed.err.count("\n") == 1
    assert not [path for path in Path.cwd().iterdir() if path.name != "mine"]
    return printed.err


def value_of(setting: str) -> object:
    """What Hydra makes of a setting as the command line hands it on."""
    (override,) = read_arguments(VERBS["search"], [setting]).overrides
    return OverridesParser.create().parse_override(override).value()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_is_quoted_is_read_back(text: str) -> None:
    assert OverridesParser.create().parse_override(f"run={quoted(text)}").value() == text


NAMES = st.text(st.sampled_from([*TYPED, "ü", "φ"]), min_size=1, max_size=12)


@given(NAMES.map(lambda name: f"x/{name}").filter(lambda path: "${" not in path))
def test_a_path_arrives_as_it_was_given(path: str) -> None:
    for setting in ("run", "data.path", "baseline", "storage"):
        assert value_of(f"{setting}={path}") == path


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("data.name=my (run) #1 & ü", "my (run) #1 & ü"),
        ("data.name=it's", "it's"),
        ("data.name=a=b", "a=b"),
        ("data.name='q'", "q"),
        ("search.trials=3", 3),
        ("cost.target=3e6", 3e6),
        ("search.workers=null", None),
        ("recipe.flip=false", False),
        ("search.start_from=[a.yaml,b.csv]", ["a.yaml", "b.csv"]),
        ("proxies={a: {width: 0.1}}", {"a": {"width": 0.1}}),
        ("run=${data.name}/x", "${data.name}/x"),
        ("run='${data.name}, x'", "${data.name}, x"),
        ("run=null", None),
    ],
)
def test_what_is_hydras_stays_hydras(given: str, value: object) -> None:
    assert value_of(given) == value


@pytest.mark.parametrize(
    "name",
    [
        "a,b",
        "my (run) #1 & ü",
        "it's",
        'say "x"',
        "a=b",
        "x\\",
        " blank ",
        "50%",
        "[v1]",
        "~x",
        ".x",
        "n" * 200,
    ],
)
def test_a_run_goes_where_it_was_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["scale", f"run=results/{name}"])
    assert Path(f"results/{name}/family/b7.yaml").exists()
    main(["dashboard", f"results/{name}"])
    assert f"results/{name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a,b", "x\\", ".x", "n" * 200])
def test_a_search_goes_where_it_was_told(name: str) -> None:
    main(["search", f"run=results/{name}", "search.trials=1", "sampler=random", *TOY])
    main(["scale", f"results/{name}/baseline.yaml"])
    assert load_arch(f"results/{name}/family/b0.yaml").name.endswith("_b0")


def test_baselines_need_no_name() -> None:
    main(["scale", "mobilenet_v2", "depth=2"])
    assert Path("results/mobilenet_v2/scaled/mobilenet_v2_d2.yaml").exists()
    main(["ablate", "mobilenet_v2", "ratio=2"])
    assert Path("results/mobilenet_v2/ablation.csv").exists()
    main(["sweep", "mobilenet_v2", "--plan", "sweep.step=0.2"])


def test_several_runs_are_asked_for_with_multirun_alone() -> None:
    main(["scale", "run=one,two"])
    assert [path.name for path in Path.cwd().iterdir()] == ["one,two"]
    main(["scale", "-m", "run=three,four"])
    assert Path("three/family").is_dir()
    assert Path("four/family").is_dir()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["search", "search.trails=4"],
         "search.trails: no such setting; did you mean 'search.trials'?"),
        (["search", "+search.trails=4"],
         "search: unknown field 'trails'; did you mean 'trials'?"),
        (["sweep", "baselin=x"], "baselin: no such setting; did you mean 'baseline'?"),
        (["search", "epochs=2"], "epochs: no such setting; did you mean 'evaluator.epochs'?"),
        (["search", "~search.trails"], "search.trails: no such setting; did you mean"),
        (["search", "smapler=tpe"], "smapler: no such setting; did you mean 'sampler'?"),
        (["search", "+nothing=1"], "nothing: no such setting of search"),
        (["search", "+run=x"], "run: is a setting already; leave out the +"),
        (["search", "data=imagefolder"],
         "data.path: missing: expected a path (data=imagefolder data.path=…)"),
        (["search", "sampler=3"], "sampler: no option '3'; expected one of: cost_aware, "),
        (["search", "sampler=tpee"], "sampler: no option 'tpee'; did you mean 'tpe'?"),
        (["proxy-check", "evaluator@truth=tabel"],
         "truth: no option 'tabel'; did you mean 'table'?"),
        (["search", "search.trials=1,2"],
         "search.trials: got 1,2; expected one value, a list as [1,2], or --multirun beside it"),
        (["search", "effort=[a,b]"], "effort: no option 'b'; expected the name of one"),
        (["search", "--config-dir", "nowhere"], "--config-dir: "),
        (["train", "--members", "b0"], "--members: no such flag, but a setting: give members=…"),
        (["search", "data.paht=x"], "data.paht: no such setting; "),
        (["search", "sampler=null"], "sampler: expected the name of an option, got null"),
        (["search", "~sampler"], "sampler: missing; "),
        (["search", "~evaluator._target_"], "evaluator._target_: missing; "),
        (["scale", "~baseline"], "baseline: missing; run refers to it"),
        (["scale", "run=5"], "run: expected a path, got 5; a file of that name is ./5"),
        (["scale", "run=[a]"], "run: expected a path, got ['a']"),
        (["scale", "run="], "run: expected a path, got ''"),
        (["scale", "constants=3"], "constants: expected a path, got 3"),
        (["scale", "baseline=5"], "baseline: expected a network of the zoo or a YAML file, got 5"),
        (["scale", "alpha=x", "beta=1", "gamma=1"], "alpha: expected a number, got 'x'"),
        (["sweep", "plan=yes please"], "plan: expected true or false, got 'yes please'"),
        (["search", "storage=1"], "storage: expected "),
        (["search", "search.start_from=3"], "search.start_from: expected "),
        (["search", "evaluator.data=3"], "evaluator.data: expected a Source with open(); got 3"),
        (["search", "sampler._target_=nas.searches.rewards.Soft", "~sampler.initial",
          "+sampler.target=1"],
         "sampler: expected a SamplerFactory with make(); Soft is none"),
        (["search", "--confg-dir", "x"], "--confg-dir: no such flag; did you mean '--config-dir'?"),
        (["search", "--config-dir"], "--config-dir: expected a value after it"),
        (["search", "--cfg", "jobs"], "--cfg: got 'jobs'; did you mean 'job'?"),
        (["search", "=3"], "'=3': expected name=value"),
        (["search", f"evaluator.divisor={2**63}"],
         "evaluator.divisor: expected a number of up to 64 bits, got 9223372036854775808"),
        (["export", "efficientnet_b0", "format=[a,[b]]"], "format: expected a name, got ['a'"),
        (["bench", "only=[[tpe]]", *TOY[:2]], "only: got ['tpe']"),
        (["search", "sampler=tpe", "sampler.options=x"], "sampler.options: expected a mapping"),
        (["run", "sweep.phi=many"], "sweep.phi: expected a number, got 'many'"),
        (["run", "sweep.tolerance=1e-6"], "tolerance"),
        (["run", "phis=3"], "phis: expected a list of numbers, got 3"),
        (["run", "phis=[]"], "phis: expected at least one φ other than 0, got []"),
        (["run", "phis=[1,1]"], "phis: expected each φ once, got 1, 1"),
        (["run", "alpha=1", "beta=1", "gamma=1"], "alpha, beta, gamma: at least one must be"),
        (["run", "alpha=1.2"], "beta: give all of alpha, beta and gamma, or none of them"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_setting(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mistake(capsys, *arguments).startswith("nas-search: " + words)


@pytest.mark.parametrize("given", ["mine", "mine/photos", "mine/my photos"])
def test_a_folder_given_as_the_data_is_told_how_to_be_given(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(given).mkdir(parents=True)
    line = mistake(capsys, "search", f"data={given}")
    path = f"'{given}'" if " " in given else given
    assert line == (
        f"nas-search: data: no option '{given}'; of a folder of images: "
        f"data=imagefolder data.path={path}\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nbase: [\n", "mine/space/own.yaml: line 3: not YAML"),
        ("a: 1\na: 2\n", "mine/space/own.yaml: line 2: 'a' is given twice"),
        ("- 1\n", "space: expected an option's settings, got [1]"),
        ("a: ${b\n", "no viable alternative"),
        ("defaults: 3\n", "defaults must be a list"),
        ("a: !!python/name:os.system\n", "mine/space/own.yaml: line 1: not YAML"),
        (b"\xff\xfe", "mine/space/own.yaml: not UTF-8 text"),
    ],
)
def test_a_mistake_in_an_option_of_ones_own_is_named_by_file_and_line(
    text: str | bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine/space").mkdir(parents=True)
    Path("mine/space/own.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    line = mistake(capsys, "search", "--config-dir", "mine", "space=own")
    assert words in line


def test_no_line_shows_the_password_of_a_storage(capsys: pytest.CaptureFixture[str]) -> None:
    line = mistake(capsys, "search", "strage=postgresql://me:s3cr:t@host/db")
    assert "s3cr" not in line
    line = mistake(capsys, "search", "postgresql://me:s3cr:t@host/db")
    assert "s3cr" not in line
    words = last_words(["search", "run=my  (run)", "storage=postgresql://me:s3'cr t@host/db"])
    assert words.endswith("nas-search search 'run=my  (run)' 'storage=postgresql://me:***@host/db'")


def test_odd_overrides_of_every_setting_get_one_line() -> None:
    findings = [check(arguments) for arguments in itertools.islice(calls(0), 20)]
    assert not [str(finding) for finding in findings if finding]
