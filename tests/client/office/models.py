"""What the office's workflows hand to each other."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_runtime import FatalError, Run


@dataclass(frozen=True)
class Approval:
    """Somebody's word."""

    ok: bool
    by: str


@dataclass(frozen=True)
class Ticket:
    """Somebody's run."""

    run: Run[Approval]
    others: list[Run[int]]


class OutOfPaper(FatalError):
    """Asking again will not help."""
