"""The page of one rule, on the terminal."""

from __future__ import annotations

import difflib

from rich.console import Console
from rich.markdown import Markdown

from workflow_build.errors import UsageError
from workflow_build.rules import RULES, Rule, page


def rule_of(code: str) -> Rule:
    """The rule with that code, in any case. Raises ``UsageError`` with what was probably meant."""
    codes = {rule.code: rule for rule in RULES}
    found = codes.get(code.upper())
    if found is None:
        close = difflib.get_close_matches(code.upper(), codes, 1, 0.5)
        meant = f"; did you mean {close[0]}?" if close else f"; codes go from {min(codes)} to {max(codes)}"
        raise UsageError(f"unknown code {code!r}{meant}")
    return found


def print_page(console: Console, rule: Rule) -> None:
    """The page as it stands under ``docs/errors/``: formatted on a terminal, as Markdown elsewhere."""
    text = page(rule)
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        console.print(text, soft_wrap=True, end="")
