"""Workflow code as the compiler cut it for replay.

The compiler writes each bundle as a Python module that builds one ``Bundle`` of plain text. Its name is the hash of
what it says: equal workflow code has equal bundles on any machine, and a run keeps the one that it started with.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

HASH_LENGTH = 16


@dataclass(frozen=True, slots=True)
class BundleModule:
    """One module of a bundle: the user's file with everything unreached blanked, every kept line on its own line
    number.
    """

    name: str
    path: str
    """Relative to the project root, with forward slashes: what a traceback shows."""
    is_package: bool
    source: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """One workflow and all that it reaches."""

    workflow: str
    """The workflow's id, ``workflow//shop.orders//checkout``."""
    stateless: bool
    """True when no module-level value can change, so that all runs may share one execution of the modules."""
    pure: tuple[str, ...]
    """Third-party packages that the user declares pure, besides the built-in list."""
    modules: tuple[BundleModule, ...]
    """Sorted by name."""

    @property
    def hash(self) -> str:
        """The first 16 hex digits of the SHA-256 of the bundle's canonical JSON."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:HASH_LENGTH]
