"""Published tables are downloaded whole and checked, or one line says why not."""

import csv
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
import yaml

from file_server import serving
from nas.cli import main
from nas.data.benchmarks import AccelNasBench
from nas.defaults.conf import config_dir
from search_spaces.errors import CommandFailed

TABLE = json.dumps({"00000000": {"test_acc": [90.0, 91.0, 92.0]}}).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def settings(url: str, content: bytes = TABLE) -> list[str]:
    """The settings of a benchmark that is the content, at that URL."""
    digest = f"'{sha256(content)}'"
    return [
        f"benchmark.url={url}",
        f"benchmark.sha256={digest}",
        f"benchmark.kept_sha256={digest}",
        f"benchmark.size={len(content)}",
    ]


def refusal(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", *arguments])
    assert ended.value.code == code
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_table_is_kept_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(TABLE) as url:
        main(["fetch", "nas_bench_macro", "--out", "tables", *settings(url)])
    path = Path("tables/nas-bench-macro_cifar10.json")
    assert capsys.readouterr().out == f"{path}\n"
    assert path.read_bytes() == TABLE
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_table_goes_to_the_users_cache(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(TABLE) as url:
        main(["fetch", "nas_bench_macro", *settings(url)])
    path = Path(capsys.readouterr().out.strip())
    assert path.is_relative_to(Path("cache/nas-search").absolute())
    assert path.read_bytes() == TABLE


def test_a_table_that_is_there_is_not_downloaded_again(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(TABLE) as url:
        main(["fetch", "nas_bench_macro", "out=.", *settings(url)])
    main(["fetch", "nas_bench_macro", "out=.", *settings(url)])
    assert capsys.readouterr().out == "nas-bench-macro_cifar10.json\n" * 2


def test_without_a_network_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(TABLE) as url:
        pass
    line = refusal(capsys, 1, "nas_bench_macro", "out=here", *settings(url))
    assert f"{url}: cannot be downloaded" in line
    assert "by hand" in line
    assert not Path("here").exists()


def test_what_the_server_refuses_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(b"gone", status=404) as url:
        line = refusal(capsys, 1, "nas_bench_macro", "out=here", *settings(url))
    assert "the server answers 404" in line
    assert not Path("here").exists()


@pytest.mark.parametrize("given", [TABLE[:-5], TABLE + b" ", b"x" * len(TABLE), b""])
def test_another_file_is_not_kept(given: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(given) as url:
        line = refusal(capsys, 1, "nas_bench_macro", "out=here", *settings(url))
    assert "nothing was written" in line
    assert f"expected {len(TABLE):,} of {sha256(TABLE)[:12]}" in line
    assert not Path("here").exists()


def test_somebodys_file_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("nas-bench-macro_cifar10.json").write_text("mine")
    line = refusal(capsys, 2, "nas_bench_macro", "--out", ".")
    assert "is another file; remove it, or give another folder by out=" in line
    assert Path("nas-bench-macro_cifar10.json").read_text() == "mine"


def test_mistakes_are_told_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "benchmark: missing; give one of accel_nasbench, nas_bench_macro" in refusal(capsys, 2)
    assert "did you mean 'nas_bench_macro'" in refusal(capsys, 2, "nas_bench_macr")
    url = "benchmark.url=file:///etc/passwd"
    assert "benchmark.url: expected https://" in refusal(capsys, 2, "nas_bench_macro", url)
    file = "benchmark.file=../x.json"
    assert "file: expected the name of a file" in refusal(capsys, 2, "nas_bench_macro", file)


def archive(trainings: list[tuple[int, float]]) -> bytes:
    """An archive like Accel-NASBench's: of each training the kernels of all stages, per cent."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for number, (kernel, top1) in enumerate(trainings):
            arch = {}
            for stage in range(7):
                fields = {"e": 6, "k": kernel, "l": 2, "se": stage == 1}
                arch |= {f"block{stage}_{name}": value for name, value in fields.items()}
            entry = {"architecture": arch, "metrics": {"val_top1": top1}}
            content = json.dumps(entry).encode()
            member = tarfile.TarInfo(f"./jsons/result_{number}.json")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def benchmark(kept: bytes = b"", data: bytes = b"", url: str = "http://a") -> AccelNasBench:
    return AccelNasBench(
        url=url,
        commit="",
        sha256=sha256(data),
        size=len(data) or 1,
        file="accel_nasbench.csv",
        kept_sha256=sha256(kept),
    )


def test_an_archive_of_trainings_becomes_a_table_of_networks() -> None:
    content = benchmark().content(archive([(3, 61.0), (5, 60.5), (3, 62.0)]))
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    columns = yaml.safe_load((config_dir() / "space/accel_nasbench.yaml").read_text())["vary"]
    choices = [f"s{stage}_{name}" for stage in range(7) for name in columns]
    assert list(rows[0]) == [*choices, "accuracy", "accuracy_std", "runs"]
    assert [row["s4_kernel"] for row in rows] == ["3", "5"]
    assert [rows[0][f"s{stage}_se"] for stage in (0, 1)] == ["0", "1"]
    assert [(float(row["accuracy"]), row["runs"]) for row in rows] == [(0.615, "2"), (0.605, "1")]
    assert float(rows[0]["accuracy_std"]) == pytest.approx(0.00707107)
    assert rows[1]["accuracy_std"] == ""


@pytest.mark.parametrize("data", [b"no archive", archive([]), archive([(3, 61.0)])[:-40]])
def test_an_archive_of_something_else_is_told(data: bytes, tmp_path: Path) -> None:
    with serving(data) as url, pytest.raises(CommandFailed, match="not what was expected"):
        benchmark(b"table", data, url).fetch(tmp_path / "here")
    assert not (tmp_path / "here").exists()
