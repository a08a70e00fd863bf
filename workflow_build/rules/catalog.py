"""The table of all rules."""

from __future__ import annotations

from workflow_build.rules.marks import (
    DECORATED_WORKFLOW,
    DUPLICATE_ID,
    GENERATOR,
    MISSPELLED_DIRECTIVE,
    SYNC_WORKFLOW,
    UNCLEAR_MARK,
    UNSUPPORTED_PLACE,
)
from workflow_build.rules.reached import (
    BLOCKING_CALL,
    IMPURE_IMPORT,
    NO_WORKFLOWS,
    UNREADABLE_SOURCE,
    UNUSED_STEP,
)
from workflow_build.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    IMPURE_IMPORT,
    BLOCKING_CALL,
    SYNC_WORKFLOW,
    GENERATOR,
    DUPLICATE_ID,
    UNSUPPORTED_PLACE,
    UNCLEAR_MARK,
    MISSPELLED_DIRECTIVE,
    NO_WORKFLOWS,
    UNREADABLE_SOURCE,
    UNUSED_STEP,
    DECORATED_WORKFLOW,
)
"""All rules, by code. A code is never given to another rule."""
