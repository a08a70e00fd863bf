"""Asking peers for their figures, in turn, so that a machine that is slow for a while is slow for all alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers.plan import Peer
from benchmarks.peers.session import Session, session
from benchmarks.peers.table import Column


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
