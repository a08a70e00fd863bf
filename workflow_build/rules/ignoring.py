"""The rules about comments that tell the compiler to ignore a finding."""

from __future__ import annotations

from workflow_build.model import Severity
from workflow_build.rules.rule import Rule

_RIGHT = """
import time
from workflow_runtime import workflow

@workflow
async def remind() -> None:
    time.sleep(0)  # workflow-build: ignore[WB102] nothing is slept, the call only counts in a test
"""

UNUSED_IGNORE = Rule(
    code="WB191",
    title="a comment ignores what is not found",
    message="nothing of {code} is found here to be ignored",
    hint="remove {code} from the comment; a comment counts for its own line, or, alone on a line, for the next",
    why="Left behind, it would hide the next real finding on that line.",
    valid=(_RIGHT,),
    invalid=(
        """
from workflow_runtime import workflow

@workflow
async def remind() -> None:
    return None  # workflow-build: ignore[WB102] was slow once
""",
    ),
    severity=Severity.WARNING,
)

UNKNOWN_IGNORE = Rule(
    code="WB192",
    title="a comment ignores a code that does not exist",
    message="{problem}",
    hint="{advice}",
    why="It ignores nothing.",
    valid=(_RIGHT,),
    invalid=(
        """
import time
from workflow_runtime import workflow

@workflow
async def remind() -> None:
    time.sleep(0)  # workflow-build: ignore[WB1022] nothing is slept
""",
        """
import time
from workflow_runtime import workflow

@workflow
async def remind() -> None:
    time.sleep(0)  # workflow-build: ignore nothing is slept
""",
    ),
    severity=Severity.WARNING,
)

UNREASONED_IGNORE = Rule(
    code="WB193",
    title="a comment ignores a finding without a reason",
    message="the comment gives no reason, so it ignores nothing",
    hint="write why it is right here: `# workflow-build: ignore[{codes}] the reason`",
    why="Who reads the line later must be able to tell whether the reason still holds.",
    valid=(_RIGHT,),
    invalid=(
        """
import time
from workflow_runtime import workflow

@workflow
async def remind() -> None:
    time.sleep(0)  # workflow-build: ignore[WB102]
""",
    ),
    severity=Severity.WARNING,
)

IGNORE_RULES = (UNUSED_IGNORE, UNKNOWN_IGNORE, UNREASONED_IGNORE)
