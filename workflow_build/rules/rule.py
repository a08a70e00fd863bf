"""What a rule is."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_build.model import Diagnostic, Location, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding. Its examples are the tests of it, and its page under ``docs/errors/`` is made from it."""

    code: str
    title: str
    """What is wrong, in general: the headline of the page."""
    message: str
    """What is wrong, with places for names in braces."""
    hint: str
    """What to do, with the same places."""
    why: str
    """Why it matters, in a few sentences."""
    valid: tuple[str, ...]
    """Modules that the rule is content with."""
    invalid: tuple[str, ...]
    """Modules in which it finds something."""
    severity: Severity = Severity.ERROR

    def at(self, location: Location | None, *, trail: tuple[str, ...] = (), **names: str) -> Diagnostic:
        """The finding at ``location``, with ``names`` put into message and hint. A missing name is a ``KeyError``."""
        return Diagnostic(
            code=self.code,
            message=self.message.format_map(names),
            hint=self.hint.format_map(names),
            location=location,
            severity=self.severity,
            trail=trail,
        )
