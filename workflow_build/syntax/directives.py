"""The directives ``"use workflow"`` and ``"use step"``, and strings that were meant to be one."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Sequence

from workflow_build.model import FunctionKind

DIRECTIVES = {f"use {kind}": kind for kind in FunctionKind}
_ALMOST = re.compile(r"use[\s_-]*(?:work[\s_-]?flow|step)s?[.;!]?", re.IGNORECASE)
_CLOSE = 0.85


def directive_of(body: Sequence[ast.stmt]) -> FunctionKind | None:
    """What the first statement of ``body`` says."""
    return DIRECTIVES.get(text_of(body[0])) if body else None


def text_of(node: ast.stmt) -> str:
    """The string that the statement consists of; empty for any other statement."""
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
    return ""


def meant_directive(text: str) -> str | None:
    """The directive that ``text`` almost is, if it is not one."""
    plain = text.strip()
    if text in DIRECTIVES or not plain.lower().startswith("use") or len(plain) > len("use workflow") + 3:
        return None
    if _ALMOST.fullmatch(plain):
        return "use step" if "step" in plain.lower() else "use workflow"
    return next(iter(difflib.get_close_matches(plain.lower(), DIRECTIVES, 1, _CLOSE)), None)
