"""What is rewritten often and plainly, rewritten as text: imports that lose names, and steps and signatures at the top level of a module.

It gives the very lines that libcst would give, in a hundredth of the time, and gives up where the text is not of the usual form.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence

from workflow_build.cut.registration import registration
from workflow_build.model import Binding, Function, FunctionKind
from workflow_build.syntax.nodes import children

Definition = ast.FunctionDef | ast.AsyncFunctionDef
Import = ast.Import | ast.ImportFrom

_COMMENT = re.compile(r"[ \t]*#")
_INDENT = re.compile(r"[ \t]+(?=\S)")


def plain_import(node: Import, names: Collection[str], lines: Sequence[str]) -> list[str] | None:
    """The import on ``lines`` with only the bound ``names``; None when it is not written in the usual way."""
    kept = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in names]
    if not kept or any(alias.name == "*" for alias in node.names):
        return None
    head = "import " if isinstance(node, ast.Import) else f"from {'.' * node.level}{node.module or ''} import "
    before, after = _listed(node.names), _listed(kept)
    if len(lines) == 1:
        rest = lines[0].removeprefix(head + before)
        is_usual = lines[0].startswith(head + before) and (not rest or _COMMENT.match(rest))
        return [head + after + rest] if is_usual else None
    if isinstance(node, ast.Import) or lines[0] != f"{head}(" or lines[-1] != ")":
        return None
    if ", ".join(line.strip(" ") for line in lines[1:-1]).replace(",,", ",").removesuffix(",") != before:
        return None
    if len(kept) == len(node.names):
        return [*lines]
    return [f"{head}({after}", *[""] * (len(lines) - 2), ")"]


def plain_function(node: Definition, mark: Function | None, lines: Sequence[str], *, is_stub: bool) -> list[str] | None:
    """The stub of a step, or the signature of a workflow if ``is_stub``, on as many lines; None when it is not written in the usual way.

    ``lines`` are those from its first decorator, or else its ``def``, to its end. Blank ones at the end are left out.
    """
    if mark is None or mark.binding is not Binding.FUNCTION or is_stub != (mark.kind is FunctionKind.WORKFLOW):
        return None
    first = (node.end_lineno or node.lineno) - len(lines) + 1
    body = min(part.lineno for part in (node.body[0], *getattr(node.body[0], "decorator_list", ()))) - first
    above = node.lineno - first
    header, indent = _header(node, lines[above:body]), _INDENT.match(lines[body])
    if header is None or indent is None:
        return None
    inside = f"{indent[0]}..."
    if is_stub:
        return [*[""] * above, *header, inside]
    if above:
        return [f"@{registration(mark)}", *[""] * (above - 1), *header, inside]
    blank = [""] * (len(lines) - len(header) - 1)
    return [*header[:-1], f"{header[-1]} ...", *blank, f"{node.name} = {registration(mark)}({node.name})"]


def _header(node: Definition, lines: Sequence[str]) -> list[str] | None:
    """The lines from the ``def`` to the colon, all defaults an ellipsis."""
    text = "\n".join(lines)
    if not text.rstrip(" \t").endswith(":") or not text.isascii() or any(sign in text for sign in "#\\\f"):
        return None
    parts = (*children(node.args), node.returns, *getattr(node, "type_params", ()))
    if any((getattr(part, "end_lineno", None) or 0) >= node.lineno + len(lines) for part in parts):
        return None  # the colon is not the one of the header
    found = [*lines[:-1], lines[-1].rstrip(" \t")]
    given = [default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None]
    for default in sorted(given, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        line = found[default.lineno - node.lineno]
        if default.end_lineno != default.lineno or not line[: default.col_offset].rstrip(" \t").endswith("="):
            return None
        found[default.lineno - node.lineno] = f"{line[: default.col_offset]}...{line[default.end_col_offset :]}"
    return found


def _listed(names: Sequence[ast.alias]) -> str:
    return ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in names)
