"""The names that a bundle's modules have while they run.

They stand in ``sys.modules`` beside the user's real ones, under a prefix. Users see it in ``repr`` of a class and in
tracebacks, and may pass that on to a step; so it follows from the bundle and the run alone, and replays have the same.
While a run is executed twice, as when two handlers have messages for it, both executions' modules have the same names.
"""

from __future__ import annotations

import re

_PREFIX = "workflow_bundle_"
_PREFIXED = re.compile(rf"{_PREFIX}\w+\.")


def prefix_of(bundle_hash: str, run_id: str = "") -> str:
    """The prefix of the bundle's modules, or of those that are executed for one run."""
    return _PREFIX + re.sub(r"\W", "_", f"{bundle_hash}_{run_id}" if run_id else bundle_hash)


def users_name(name: str) -> str:
    """The name that a module of a bundle has in the user's code."""
    return _PREFIXED.sub("", name, count=1) if name.startswith(_PREFIX) else name
