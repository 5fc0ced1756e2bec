"""Calls on damaged run folders, which should end with their result or one line.

Exits with 1 where any did not.
"""

import argparse
import collections
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from fuzz.damage import make_run, try_each  # noqa: E402  (tests are no package of the project)


def main() -> None:
    """Damage as many run folders as asked for, and print the faults of the calls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    codes: collections.Counter[int] = collections.Counter()
    faults, slowest = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        made = make_run(work)
        for seen in try_each(made, asked.count, asked.seed, work):
            codes[seen.code] += 1
            slowest = max(slowest, seen.seconds)
            if seen.fault:
                faults.append(f"{seen.call} after {seen.damage}: {seen.fault}")
                print(faults[-1], flush=True)
    print(
        f"{asked.count} damaged run folders: exit codes {dict(sorted(codes.items()))}, "
        f"slowest {slowest:.1f} s, {len(faults)} faults"
    )
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
