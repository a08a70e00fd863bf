"""The page of a rule, as it stands under ``docs/errors/``."""

from __future__ import annotations

from workflow_build.rules.rule import Rule


def page(rule: Rule) -> str:
    """Markdown about ``rule``: what it says, why, what to write instead."""
    wrong = "\n".join(_code(source) for source in rule.invalid)
    right = "\n".join(_code(source) for source in rule.valid)
    parts = [
        f"# {rule.code}: {rule.title}",
        f"Severity: {rule.severity}.",
        rule.why,
        f"It says: `{rule.message}`",
        f"What to do: {rule.hint}",
        f"## Found\n\n{wrong}" if wrong else "",
        f"## Not found\n\n{right}" if right else "",
    ]
    return "\n\n".join(part for part in parts if part).rstrip() + "\n"


def _code(source: str) -> str:
    return f"```python\n{source.strip()}\n```\n"
