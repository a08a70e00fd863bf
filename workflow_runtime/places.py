"""Which of our routes a path is, for handlers that no framework's router stands before."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_runtime.http import PREFIX, HttpResponse

READING = frozenset({"GET", "HEAD"})
METHODS = {"flow": frozenset({"POST"}), "health": READING, "manifest.json": READING}


@dataclass(frozen=True, slots=True)
class Place:
    """One of our routes."""

    name: str
    """``flow``, ``health``, ``manifest.json`` or ``webhook``; anything else is none of ours."""
    token: str = ""

    def refusal(self, method: str) -> HttpResponse | None:
        """The answer when there is no such route (404), or it does not take the method (405)."""
        if self.name == "webhook" and self.token:
            return None
        if self.name not in METHODS:
            return HttpResponse(404)
        allowed = METHODS[self.name]
        return None if method in allowed else HttpResponse(405, {"allow": ", ".join(sorted(allowed))})


def is_ours(path: str, root: str = "") -> bool:
    """Whether a path is below our prefix; ``root`` is what the server or a mount has put before the app's own paths."""
    return path.removeprefix(root.rstrip("/")).startswith(f"{PREFIX}/")


def place_of(path: str) -> Place:
    """The route of a path, wherever it is mounted, with our prefix in it or after a mount has taken that away."""
    _, found, tail = path.partition(f"{PREFIX}/")
    tail = tail if found else path.lstrip("/")
    name, _, token = tail.partition("/")
    if name != "webhook":
        return Place(tail)
    return Place("webhook", token) if "/" not in token else Place(tail)
