"""The table of all rules."""

from __future__ import annotations

from workflow_build.rules.calls import CALL_RULES
from workflow_build.rules.ignoring import IGNORE_RULES
from workflow_build.rules.marks import (
    DECORATED_WORKFLOW,
    DUPLICATE_ID,
    GENERATOR,
    MISSPELLED_DIRECTIVE,
    SYNC_WORKFLOW,
    UNCLEAR_MARK,
    UNSUPPORTED_PLACE,
)
from workflow_build.rules.names import NAME_RULES
from workflow_build.rules.reached import (
    BLOCKING_CALL,
    IMPURE_IMPORT,
    NO_WORKFLOWS,
    UNLOADABLE_CLASS,
    UNREADABLE_SOURCE,
    UNUSED_STEP,
)
from workflow_build.rules.replay import REPLAY_RULES
from workflow_build.rules.routes import ROUTE_RULES
from workflow_build.rules.rule import Rule
from workflow_build.rules.runtime import RUNTIME_RULES

SOURCE_RULES: tuple[Rule, ...] = (
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
    UNLOADABLE_CLASS,
    *CALL_RULES,
    *REPLAY_RULES,
    *NAME_RULES,
    *RUNTIME_RULES,
)
"""The rules that reading the source is enough for."""

RULES: tuple[Rule, ...] = tuple(sorted((*SOURCE_RULES, *IGNORE_RULES, *ROUTE_RULES), key=lambda rule: rule.code))
"""All rules, by code. A code is never given to another rule."""
