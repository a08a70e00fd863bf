"""The diagnostics: one rule per code, in one table. A rule is data; the stage that can see the matter reports it."""

from workflow_build.rules.catalog import RULES, SOURCE_RULES
from workflow_build.rules.marks import (
    DECORATED_WORKFLOW,
    DUPLICATE_ID,
    GENERATOR,
    MISSPELLED_DIRECTIVE,
    SYNC_WORKFLOW,
    UNCLEAR_MARK,
    UNSUPPORTED_PLACE,
)
from workflow_build.rules.page import index, page
from workflow_build.rules.reached import (
    BLOCKING_CALL,
    IMPURE_IMPORT,
    NO_WORKFLOWS,
    UNREADABLE_SOURCE,
    UNUSED_STEP,
)
from workflow_build.rules.rule import Rule

__all__ = [
    "BLOCKING_CALL",
    "DECORATED_WORKFLOW",
    "DUPLICATE_ID",
    "GENERATOR",
    "IMPURE_IMPORT",
    "MISSPELLED_DIRECTIVE",
    "NO_WORKFLOWS",
    "RULES",
    "SOURCE_RULES",
    "SYNC_WORKFLOW",
    "UNCLEAR_MARK",
    "UNREADABLE_SOURCE",
    "UNSUPPORTED_PLACE",
    "UNUSED_STEP",
    "Rule",
    "index",
    "page",
]
