"""Mutants of YAML files, given to the command line as a user would, each in a process of its own.

    python benchmarks/fuzz_files.py [files] [seed]

Each call should end with code 0, or with code 2 and one line, within two seconds of processor time
and 500 MB, and should change nothing but its run folder. Exits with 1 where any did not.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fuzz.yaml_mutations import mutations  # noqa: E402

FILES = 500
MOST_SECONDS, MOST_MEGABYTES = 2.0, 500
CALLS = (
    ("cost", "FILE"),
    ("scale", "baseline=FILE", "run=run"),
    ("scale", "baseline=FILE", "run=run", "depth=1.5"),
    ("scale", "constants=FILE", "coefficients=formula", "run=run"),
    ("ablate", "baseline=FILE", "run=run"),
    ("search", "--config-dir", "conf", "space=file", "run=run", "evaluator=custom",
     "evaluator._target_=toy.Toy", "search.trials=1", "search.workers=1", "sampler=random"),
)  # fmt: skip


def faults(call: tuple[str, ...], data: bytes, place: Path) -> Iterator[str]:
    """What was wrong with one call on one file, made in the empty folder `place`."""
    (place / "conf" / "space").mkdir(parents=True)
    file = place / ("conf/space/file.yaml" if "space=file" in call else "file.yaml")
    file.write_bytes(data)
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, "-c", "import nas.cli; nas.cli.main()"]
    process = subprocess.Popen(
        [*command, *(word.replace("FILE", "file.yaml") for word in call)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    said = process.stderr.read().decode("utf-8", "backslashreplace")
    _, status, used = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    lines = [line for line in said.splitlines() if not line.startswith("search 1/1")]
    if code not in (0, 2):
        yield f"exit code {code}: {said[-300:]}"
    if code == 2 and (len(lines) != 1 or not lines[0].startswith("nas-search: ")):
        yield f"not one line: {said[:300]!r}"
    # A search imports Optuna and torch, which takes seconds whatever the file holds.
    if used.ru_utime + used.ru_stime > MOST_SECONDS + 3 * ("search" in call):
        yield f"took {used.ru_utime + used.ru_stime:.1f} s"
    if used.ru_maxrss > MOST_MEGABYTES * 1024:
        yield f"took {used.ru_maxrss // 1024} MB"
    strange = {each.name for each in place.iterdir()} - {"conf", "file.yaml", "run"}
    if strange or file.read_bytes() != data:
        yield f"changed {sorted(strange) or file.name}"


def main(files: int, seed: int) -> int:
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(mutations(seed, files)):
            place = Path(folder) / str(number)
            place.mkdir()
            call = CALLS[number % len(CALLS)]
            wrong = list(faults(call, data, place))
            counts["faults" if wrong else "good"] += 1
            for fault in wrong:
                print(f"file {number}, {' '.join(call)}: {fault}\n  {data[:120]!r}", flush=True)
        outside = [path for path in Path(folder).iterdir() if not path.name.isdigit()]
    print(f"{files} files, seed {seed}: {counts['good']} good, {counts['faults']} with faults")
    return int(bool(counts["faults"] or outside))


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(*given, *(FILES, 0)[len(given) :]))
