"""The page of a rule, as it stands under ``docs/errors/``, and the index of all pages."""

from __future__ import annotations

from collections.abc import Iterable

from workflow_build.rules.rule import Rule


def page(rule: Rule) -> str:
    """Markdown about ``rule``: what it says, why, an example of each, what to do."""
    parts = [
        f"# {rule.code}: {rule.title}",
        f"It says, as {_article(rule.severity)} {rule.severity}: `{_plain(rule.message)}`",
        rule.why,
        *([f"## Found\n\n{_codes(rule.invalid)}"] if rule.invalid else []),
        *([f"## Not found\n\n{_codes(rule.valid)}"] if rule.valid else []),
        f"## What to do\n\n{_advice(rule)}",
    ]
    return "\n\n".join(parts) + "\n"


def index(rules: Iterable[Rule]) -> str:
    """Markdown that lists ``rules`` with links to their pages."""
    lines = [f"| [{rule.code}]({rule.code}.md) | {rule.severity} | {rule.title} |" for rule in rules]
    head = [
        "# What workflow-build finds",
        "",
        "Each finding has a code. `workflow-build --explain WB104` prints the page of one. How to ignore a finding, and the formats for",
        "programs, are in [diagnostics](../diagnostics.md). The pages are made from the rules by `tools/error_pages.py`.",
        "",
        "| code | severity | what is wrong |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *lines]) + "\n"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _plain(text: str) -> str:
    """Places for names in a message that stands in backticks."""
    return text.replace("`", "'").replace("{", "<").replace("}", ">")


def _advice(rule: Rule) -> str:
    if not rule.hint.startswith("{"):
        advice = rule.hint.replace("{", "<").replace("}", ">")
        return f"{advice[0].upper()}{advice[1:]}."
    return "The finding says what to do: it knows the code that it is about."


def _codes(sources: Iterable[str]) -> str:
    return "\n\n".join(f"```python\n{source.strip()}\n```" for source in sources)
