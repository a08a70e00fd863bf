"""What the site does with pages, as a hook of mkdocs: the README is its first page, and links lead where the site can follow.

In the repository pages link to tests, fixtures and sources. The site has none of these: there the text stays, without the link.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
START = "start.md"
"""The README's page on the site."""
LINK = re.compile(r"(?<!\\)(?P<image>!?)\[(?P<text>[^\]\n]*)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"(?ms)^(?P<fence>`{3,})[^\n]*\n.*?^(?P=fence)[ \t]*$")


def on_files(files: Any, *, config: Any, **_: object) -> Any:
    """The files of the site, the README among them."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, START, content=(ROOT / "README.md").read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: object) -> str:
    """The page's text with links that the site can follow. Code blocks stay as they are."""
    uri = page.file.src_uri
    here = ROOT / "README.md" if uri == START else DOCS / uri
    parts: list[str] = []
    at = 0
    for block in FENCE.finditer(markdown):
        parts += [_linked(markdown[at : block.start()], here), block.group()]
        at = block.end()
    return "".join([*parts, _linked(markdown[at:], here)])


def _linked(text: str, page: Path) -> str:
    return LINK.sub(lambda link: _link(link, page), text)


def _link(link: re.Match[str], page: Path) -> str:
    target, _, anchor = link["target"].partition("#")
    if not target or "://" in target:
        return link.group()
    path = (page.parent / target).resolve()
    if path == ROOT / "README.md":
        path = DOCS / START
    if not path.is_relative_to(DOCS):
        return link["text"]
    shown_from = DOCS if page == ROOT / "README.md" else page.parent
    return f"{link['image']}[{link['text']}]({os.path.relpath(path, shown_from)}{anchor and '#' + anchor})"
