"""The long form of the fuzzing of YAML: mutants of real files, given to every reader of YAML.

    python benchmarks/fuzz_yaml.py [files] [seed]

Each file must be read, or refused on one line, within two seconds. The cost and the spelling of a
network that is read are computed, and a space that is read is sampled. All together may take less
than 500 MB, caches included.
"""

import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzz.yaml_mutations import mutations
from nas.latency.table import read_table
from nas.networks.cost import cost
from scaling_search.grow.family import read_constants
from search_spaces.compact import parse_stage, spell, spell_arch
from search_spaces.errors import UserError
from search_spaces.files import read_text
from search_spaces.space import load_space
from search_spaces.yaml_io import arch_to_yaml, load_arch, read_arch
from search_spaces.yaml_text import load_yaml

FILES = 10_000
MOST_SECONDS = 2.0
MOST_MEGABYTES = 500


def network(path: Path) -> None:
    arch = load_arch(str(path))
    cost(arch)
    spell_arch(arch)
    assert read_arch(arch_to_yaml(arch), "again").key() == arch.key()
    for stage in arch.stages:
        spelt = spell(stage)
        assert spell(parse_stage(spelt)) == spelt


def space(path: Path) -> None:
    read = load_space(load_yaml(read_text(path), str(path)), str(path))
    arch = read.decode(read.sample(random.Random(0)))
    cost(arch)
    arch.key()


READERS: tuple[Callable[[Path], object], ...] = (network, space, read_constants, read_table)


def read(reader: Callable[[Path], object], path: Path) -> str:
    """`read`, `refused`, or what went wrong."""
    try:
        reader(path)
    except UserError as error:
        text = str(error).replace(str(path), "FILE")
        good = text.isprintable() and len(text) < 500
        return "refused" if good else f"said {text[:600]!r}"
    except Exception as error:  # the test is that there is none
        return f"raised {error!r:.200}"
    return "read"


def main(files: int, seed: int) -> int:
    def late(signum: int, frame: object) -> None:
        raise TimeoutError(f"more than {MOST_SECONDS} s")

    signal.signal(signal.SIGALRM, late)
    counts: Counter[str] = Counter()
    before, slowest = _megabytes(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        for number, data in enumerate(mutations(seed, files)):
            path.write_bytes(data)
            for reader in READERS:
                started = time.monotonic()
                signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
                answer = read(reader, path)
                signal.setitimer(signal.ITIMER_REAL, 0)
                slowest = max(slowest, time.monotonic() - started)
                if answer in ("read", "refused"):
                    counts[answer] += 1
                else:
                    counts["failures"] += 1
                    print(f"file {number}, {reader.__name__}: {answer}\n  {data[:200]!r}")
    taken = _megabytes() - before
    print(
        f"{files} files, seed {seed}: {counts['read']} times read, {counts['refused']} refused, "
        f"{counts['failures']} failures; slowest {slowest:.2f} s, {taken:.0f} MB taken"
    )
    return int(counts["failures"] > 0 or taken > MOST_MEGABYTES)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(*given, *(FILES, 0)[len(given) :]))
