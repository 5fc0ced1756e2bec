"""The long form of the test of overrides: odd values for every setting of every verb.

    python benchmarks/fuzz_overrides.py [calls] [seed]

Each call should end with code 0, or with code 2, one line and nothing written. Prints the calls
that did not, and how many there are of each kind; exits with 1 where there are any.
"""

import collections
import itertools
import os
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "fuzz")]
os.environ.setdefault("OMP_NUM_THREADS", "1")

from overrides import calls, check  # noqa: E402


def main(count: int, seed: int) -> int:
    warnings.simplefilter("ignore")
    started, found = time.monotonic(), collections.Counter[str]()
    for arguments in itertools.islice(calls(seed), count):
        finding = check(arguments)
        found["as it should" if finding is None else finding.why.partition(":")[0]] += 1
        if finding is not None:
            print(f"{finding}\n", flush=True)
    print(f"{count} calls in {time.monotonic() - started:.0f} s")
    for why, times in found.most_common():
        print(f"{times:>6}  {why}")
    return int(set(found) != {"as it should"})


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]]
    sys.exit(main(*given, *(1500, 0)[len(given) :]))
