"""The peers beside us, or all our own combinations, in one sitting: ``python -m benchmarks.peers [--web]``.

Everybody's program is started, then each round asks all of them for each row in turn, so that a machine that is slow for a while is slow
for all alike. Peers are installed into environments of their own when they are asked for the first time.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers.plan import PEERS, ROOT, WEB, Peer
from benchmarks.peers.plot import svg
from benchmarks.peers.session import Session, session
from benchmarks.peers.table import TITLES, Column, as_json, markdown

TELLING = ("seq-1", "seq-10", "seq-100", "all-50", "throughput-16")
"""The rows of the picture."""


def main() -> None:
    """Measure, print, and write the files that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--web", action="store_true", help="ourselves behind each framework on each storage, over HTTP")
    parser.add_argument("--peers", metavar="KEYS", help=f"of {_keys(PEERS)}; with --web of {_keys(WEB)}")
    parser.add_argument("--rows", default=",".join(TITLES), metavar="ROWS", help=f"of {', '.join(TITLES)}")
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench", help="where peers are installed and run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture of the most telling rows there")
    chosen = parser.parse_args()
    there = WEB if chosen.web else PEERS
    wanted = chosen.peers.split(",") if chosen.peers else [peer.key for peer in there]
    if unknown := set(wanted) - {peer.key for peer in there}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {_keys(there)}")
    columns = measure(
        [peer for peer in there if peer.key in wanted], chosen.rows.split(","), chosen.rounds, chosen.folder.resolve()
    )
    text = markdown(columns, chosen.rounds, lines_are_peers=chosen.web)
    print(f"\n{text}")
    if chosen.json:
        chosen.json.write_text(as_json(columns, chosen.rounds), "utf-8")
    if chosen.svg:
        chosen.svg.write_text(svg(columns, TELLING), "utf-8")
    if chosen.markdown:
        chosen.markdown.write_text(text, "utf-8")


def _keys(peers: Sequence[Peer]) -> str:
    return ", ".join(peer.key for peer in peers)


def measure(peers: Sequence[Peer], rows: list[str], rounds: int, folder: Path) -> list[Column]:
    """The columns of the peers, each row measured ``rounds`` times after one that is not counted."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        sessions: list[Session] = []
        for peer in peers:
            print(f"starting {peer.key}", flush=True)
            sessions.append(stack.enter_context(session(peer, folder, os.environ)))
        columns = [Column(one.peer, one.version) for one in sessions]
        for number in range(rounds + 1):
            print("warming up" if number == 0 else f"round {number} of {rounds}", flush=True)
            for row in rows:
                for one, column in zip(sessions, columns, strict=True):
                    if row in one.rows and row not in column.errors:
                        _note(column, row, one.measure(row), counts=number > 0)
        return columns


def _note(column: Column, row: str, figure: float | str, *, counts: bool) -> None:
    if isinstance(figure, str):
        print(f"{column.peer.key} failed {row}: {figure}", flush=True)
        column.errors[row] = figure
    elif counts:
        column.samples.setdefault(row, []).append(figure)


if __name__ == "__main__":
    main()
