"""The names that a bundle's modules have while they run.

They stand in ``sys.modules`` beside the user's real ones, under a prefix. Users see it in ``repr`` of a class and in
tracebacks, and may pass that on to a step; so it follows from the bundle and the run alone, and replays have the same.
"""

from __future__ import annotations

import itertools
import re
import sys

_PREFIX = "workflow_bundle_"
_PREFIXED = re.compile(rf"{_PREFIX}\w+\.")


def prefix_of(bundle_hash: str, run_id: str = "") -> str:
    """A prefix that no modules have now: the bundle's own, or the run's; numbered while the run is executed twice."""
    stem = _PREFIX + re.sub(r"\W", "_", f"{bundle_hash}_{run_id}" if run_id else bundle_hash)
    names = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in sys.modules)


def users_name(name: str) -> str:
    """The name that a module of a bundle has in the user's code."""
    return _PREFIXED.sub("", name, count=1) if name.startswith(_PREFIX) else name
