"""All that is measured of this project, or some of it: ``python -m benchmarks [--only compiler,web] [--quick]``. The peers: ``benchmarks.peers``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.sets import SETS, Wish, measured
from benchmarks.written import write

FOLDER = Path(__file__).parent.parent / ".bench"


def main() -> None:
    """Measure, print the tables, and write the files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="SETS", default=",".join(SETS), help=f"of {', '.join(SETS)}")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each row is measured; 5, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="less of everything, in a minute or two, as for CI")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the results go; .bench")
    chosen = parser.parse_args()
    names = chosen.only.split(",")
    if unknown := sorted(set(names) - set(SETS)):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SETS)}")
    rounds = chosen.rounds or (1 if chosen.quick else 5)
    found = measured(names, Wish(rounds, chosen.quick, chosen.folder.resolve()))
    print(f"\n{write(found, rounds, chosen.folder)}\nwritten to {chosen.folder}")


if __name__ == "__main__":
    main()
