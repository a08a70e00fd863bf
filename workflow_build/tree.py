"""The project's files from one build to the next: what has not changed is neither read nor parsed again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from workflow_build.cache.stamps import Stamp, Stamps, dump_stamps, is_settled, now, stamp_of
from workflow_build.model import Diagnostic, SourceFile, Sources
from workflow_build.scan import read_file
from workflow_build.walk import Found, Walk

LEFT_OUT = "-"
"""The digest of a file that plays no part: a large one without markers."""

FEW = 100
"""Files whose analysis is kept from one build to the next: those around an edit, which is seldom the only one there."""


@dataclass(slots=True)
class _Held:
    """One file, as it was when it was last looked at."""

    found: Found
    stamp: Stamp | None
    """None when the file has to be read again to be sure."""
    digest: str
    """Empty when it can not be read."""
    content: SourceFile | Diagnostic | None = None
    is_read: bool = False

    def read(self) -> SourceFile | Diagnostic | None:
        if not self.is_read:
            self._take(read_file(self.found))
        return self.content

    def _take(self, content: SourceFile | Diagnostic | None) -> None:
        self.content, self.is_read = content, True
        self.digest = content.digest if isinstance(content, SourceFile) else "" if content else LEFT_OUT


@dataclass(slots=True)
class Tree:
    """The files below the project's roots, apart from those in one folder: that of the output."""

    stamps: Stamps = field(default_factory=dict)
    """From an earlier process: the first look need not read these files unless their stamp is another one."""
    folders: tuple[str, ...] = ()
    """Those that were gone through: adding a file to one of them, or removing one, may change what there is."""
    read: int = 0
    """How many files the last look had to read."""
    is_new: bool = True
    """Whether the last look found anything else than the one before."""
    _held: dict[str, _Held] = field(default_factory=dict)
    """By name, sorted."""
    _by_path: dict[str, _Held] = field(default_factory=dict)

    def look(self, walk: Walk) -> None:
        """Go through all folders, and read what may have changed."""
        started, before, self.read = now(), self._held, 0
        digests = {name: held.digest for name, held in before.items()}
        found = {one.name: self._looked_at(one, before.get(one.name), started) for one in walk.files()}
        self._held = {name: found[name] for name in sorted(found)}
        self._by_path = {held.found.entry.path: held for held in found.values()}
        self.folders = tuple(walk.folders)
        self.is_new = digests != {name: held.digest for name, held in self._held.items()} or "" in digests.values()

    def look_at(self, paths: Iterable[str]) -> bool:
        """Read these files again. False when that is not enough, because one of them is new, or gone, or no file."""
        chosen = [self._by_path.get(path) for path in paths]
        if not all(held is not None and os.path.isfile(held.found.entry.path) for held in chosen):  # noqa: PTH113 - a Path per file takes longer than looking
            return False
        started, self.read, self.is_new = now(), 0, False
        for held in chosen:
            if held is not None:
                fresh = self._looked_at(held.found, held, started)
                self.is_new = self.is_new or fresh.digest != held.digest or not fresh.digest
                self._held[held.found.name] = self._by_path[held.found.entry.path] = fresh
        return True

    def digest(self) -> str | None:
        """Tells this tree from all others. None when a file can not be read."""
        if not all(held.digest for held in self._held.values()):
            return None
        lines = (f"{name}\0{held.found.inner}\0{held.digest}" for name, held in self._held.items())
        return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()

    def sources(self) -> Sources:
        """The files as the stages want them."""
        read = [held.content if held.is_read else held.read() for held in self._held.values()]
        files = tuple([content for content in read if isinstance(content, SourceFile)])
        if len(files) == len(read):
            return Sources(files)
        return Sources(files, tuple(content for content in read if isinstance(content, Diagnostic)))

    def stamps_text(self) -> str:
        """The stamps of the files as they are now, for a later process."""
        return dump_stamps({name: (held.stamp, held.digest) for name, held in self._held.items() if held.stamp})

    def forget_results(self) -> None:
        """Drop what stages have found out about many files: it takes far more memory than the files."""
        contents = [held.content for held in self._held.values()]
        found = [content.results for content in contents if isinstance(content, SourceFile) and content.results]
        if len(found) > FEW:
            for results in found:
                results.clear()

    def _looked_at(self, found: Found, held: _Held | None, started: int) -> _Held:
        stamp = _stamp(found)
        if held is not None and stamp is not None and held.stamp == stamp:
            held.found = found
            return held
        known = self.stamps.get(found.name) if held is None else None
        if known is not None and known[0] == stamp:
            return _Held(found, *known)
        self.read += 1
        fresh = _Held(found, None, "")
        content = fresh.read()
        if held is not None and isinstance(content, SourceFile) and held.digest == content.digest and held.content:
            fresh.content = held.content  # written again, with nothing new in it
        if stamp is not None and fresh.digest and is_settled(stamp, started):
            fresh.stamp = stamp
        return fresh


def _stamp(found: Found) -> Stamp | None:
    try:
        return stamp_of(os.stat(found.entry.path))  # noqa: PTH116 a Path for each file takes longer than asking
    except OSError:
        return None
