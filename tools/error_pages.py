"""Write ``docs/errors/`` from the rules: ``python tools/error_pages.py``."""

from __future__ import annotations

from pathlib import Path

from workflow_build.rules import RULES, index, page

FOLDER = Path(__file__).parent.parent / "docs" / "errors"


def main() -> None:
    """Write one page for each rule and the index, and remove the pages of rules that are no more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pages = {"README.md": index(RULES), **{f"{rule.code}.md": page(rule) for rule in RULES}}
    for old in FOLDER.glob("WB*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
