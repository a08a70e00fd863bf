"""The peers beside us, or all our own combinations, in one sitting: ``python -m benchmarks.peers [--web]``.

Everybody's program is started, then each round asks all of them for each row in turn, so that a machine that is slow for a while is slow
for all alike. Peers are installed into environments of their own when they are asked for the first time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.measuring import measure
from benchmarks.peers.plan import PEERS, ROOT, WEB, Peer
from benchmarks.peers.plot import TELLING, svg
from benchmarks.peers.table import TITLES, as_json, markdown


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


if __name__ == "__main__":
    main()
