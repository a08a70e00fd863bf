"""Why a value can not cross, with the path to it. Known only inside this package; callers see ``SerializationError``."""

from __future__ import annotations

from workflow_runtime.errors import SerializationError

MAX_DEPTH = 200
"""How many containers may stand inside each other."""


class Refusal(Exception):
    """Raised where the trouble is; every holder on the way out adds its part of the path, so that the good case pays nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def inside(self, holder: object, part: str) -> None:
        """Say that the trouble is in ``part`` of ``holder``."""
        self.path.append(part)

    def error(self, where: str) -> SerializationError:
        """The error that the caller sees."""
        return SerializationError(f"{where}{''.join(reversed(self.path))}: {self.reason}")


class TooDeep(Refusal):
    """The limit of depth was met. When a holder shows up twice on the way out, the value contains itself, and that is what is said."""

    def __init__(self) -> None:
        super().__init__(
            f"nested deeper than {MAX_DEPTH} levels; flatten it, or keep it elsewhere and pass a reference"
        )
        self._holders: dict[int, int] = {}

    def inside(self, holder: object, part: str) -> None:
        """Add to the path, and look for a cycle."""
        self.path.append(part)
        start = self._holders.get(id(holder))
        if start is not None:
            loop = "".join(reversed(self.path[start:]))
            self.reason = f"contains itself (through {loop}); pass data without cycles"
            self._holders.clear()
            self.path.clear()
        self._holders[id(holder)] = len(self.path)


def shown(value: object, limit: int = 60) -> str:
    """``repr(value)`` for a message: short, and safe when the value's own ``__repr__`` raises."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - user code; the message about the value matters more than its repr
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"
