"""Import statements without the names that nobody needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import libcst as cst

from workflow_build.cut.blanks import blank_lines, lines_of

Import = cst.Import | cst.ImportFrom


def pruned(node: Import, names: Collection[str]) -> Import:
    """``node`` with only the bound ``names``. A star becomes the names that are needed of it, if they are known."""
    if isinstance(node, cst.Import):
        return node.with_changes(names=_listed([alias for alias in node.names if _bound(alias) in names]))
    if isinstance(node.names, cst.ImportStar):
        if "*" in names:
            return node
        return node.with_changes(names=_listed([cst.ImportAlias(cst.Name(name)) for name in sorted(names)]))
    aliases = [alias for alias in node.names if _bound(alias) in names]
    if len(aliases) == len(node.names):
        return node
    short = node.with_changes(names=_listed(aliases), lpar=None, rpar=None)
    lost = lines_of(node) - lines_of(short)
    if not lost:
        return short
    space = cst.ParenthesizedWhitespace(empty_lines=blank_lines(lost - 1))
    return short.with_changes(lpar=cst.LeftParen(), rpar=cst.RightParen(whitespace_before=space))


def _listed(aliases: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    rest = [alias.with_changes(comma=comma) for alias in aliases[:-1]]
    return [*rest, aliases[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]


def _bound(alias: cst.ImportAlias) -> str:
    if alias.asname:
        return cst.ensure_type(alias.asname.name, cst.Name).value
    return alias.evaluated_name.partition(".")[0]
