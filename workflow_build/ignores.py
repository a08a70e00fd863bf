"""Comments that ignore findings: ``# workflow-build: ignore[WB104] the reason``, on the line of the finding or alone above it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from workflow_build.model import Diagnostic, Location, SourceFile, Sources
from workflow_build.rules import RULES
from workflow_build.rules.ignoring import UNKNOWN_IGNORE, UNREASONED_IGNORE, UNUSED_IGNORE
from workflow_build.syntax.source import decode

MARK = b"workflow-build"
COMMENT = re.compile(r"#\s*workflow-build:\s*ignore\b\s*(?:\[(?P<codes>[^\]]*)\])?[\s:-]*(?P<reason>.*)")
WITHOUT_MEANING = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE})
ROUTES_FROM = "WB500"
"""From here on, findings are about the app and its routes, which not every build reads."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that a comment ignores, and why."""

    finding: Diagnostic
    reason: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment."""

    place: Location
    line: int
    """The line that it counts for."""
    codes: tuple[str, ...]
    reason: str

    def covers(self, finding: Diagnostic) -> bool:
        """Whether the finding is on the comment's line and has one of its codes."""
        place = finding.location
        if place is None or not self.reason or finding.code not in self.codes or place.path != self.place.path:
            return False
        return place.line <= self.line <= max(place.line, place.end_line)

    def is_used(self, code: str, findings: Iterable[Diagnostic]) -> bool:
        """Whether one of the findings has the code, and the comment covers it."""
        return any(finding.code == code and self.covers(finding) for finding in findings)


@dataclass(frozen=True, slots=True)
class Ignores:
    """All such comments of a project."""

    comments: tuple[Ignore, ...] = ()

    def applied(self, findings: Iterable[Diagnostic]) -> tuple[tuple[Diagnostic, ...], tuple[Suppressed, ...]]:
        """The findings that stay, and those that are ignored."""
        stay: list[Diagnostic] = []
        suppressed: list[Suppressed] = []
        for finding in findings:
            ignore = next((comment for comment in self.comments if comment.covers(finding)), None)
            if ignore is None:
                stay.append(finding)
            else:
                suppressed.append(Suppressed(finding, ignore.reason))
        return tuple(stay), tuple(suppressed)

    def problems(self, suppressed: Iterable[Suppressed], *, with_routes: bool) -> Iterator[Diagnostic]:
        """What is wrong with the comments themselves; ``with_routes`` says whether findings about routes could be there."""
        findings = [one.finding for one in suppressed]
        known = {rule.code for rule in RULES}
        for comment in self.comments:
            if not comment.codes:
                yield UNKNOWN_IGNORE.at(
                    comment.place,
                    problem="the comment names no code",
                    advice="write `ignore[WB…]` with the code of the finding",
                )
            elif not comment.reason:
                yield UNREASONED_IGNORE.at(comment.place, codes=", ".join(comment.codes))
            for code in comment.codes:
                if code not in known:
                    import difflib  # builds without mistakes go without

                    meant = difflib.get_close_matches(code, sorted(known), 1, 0.5)
                    advice = f"did you mean {meant[0]}?" if meant else "take the code from the finding"
                    yield UNKNOWN_IGNORE.at(comment.place, problem=f"{code} is no code of a finding", advice=advice)
                elif comment.reason and (code < ROUTES_FROM or with_routes) and not comment.is_used(code, findings):
                    yield UNUSED_IGNORE.at(comment.place, code=code)


def ignores_of(sources: Sources) -> Ignores:
    """The comments of all files; what is in strings is none."""
    found = sources.memory.each("ignores", "", sources.files, _comments_in)
    return Ignores(tuple(chain.from_iterable(found)))


def _comments_in(file: SourceFile) -> tuple[Ignore, ...]:
    return tuple(_comments(file)) if MARK in file.data else ()


def _comments(file: SourceFile) -> Iterator[Ignore]:
    """Up to where the file stops being Python; the stages that parse it say so."""
    waiting: list[tuple[Location, re.Match[str]]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(decode(file.data)).readline):
            if token.type not in WITHOUT_MEANING:
                yield from (_ignore(place, found, token.start[0]) for place, found in waiting)
                waiting = []
            found = COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
            if found:
                row, column = token.start
                place = Location(file.path, row, column + found.start() + 1, row, column + len(token.string) + 1)
                if token.line[:column].strip():
                    yield _ignore(place, found, row)
                else:
                    waiting.append((place, found))
    except (SyntaxError, ValueError, LookupError, tokenize.TokenError):
        return


def _ignore(place: Location, found: re.Match[str], line: int) -> Ignore:
    codes = tuple(code.strip().upper() for code in (found["codes"] or "").split(",") if code.strip())
    return Ignore(place, line, codes, found["reason"].strip())
