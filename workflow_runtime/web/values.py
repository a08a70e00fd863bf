"""Encoded values as trees that fold, bounded in lines and in what each line says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workflow_runtime.events import Json
from workflow_runtime.seeing.payloads import TAG, arguments, shortened, show

LINES = 60
"""Lines of a value in a panel."""
LINES_ALONE = 400
"""Lines of a value that has a page of its own."""
_TEXT = 160  # characters of a line
_TEXT_ALONE = 4000
_OPEN_DEPTH = 2
_DEEPEST = 40
_ITEMS = ("tuple", "set", "frozenset")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One line of a tree: a key, which may be empty, and what it holds. ``kind`` is ``s`` text, ``n`` number, ``k`` constant, ``o`` other."""

    key: str
    text: str
    kind: str
    head: str = ""
    """What it is, for when it is open and its items tell the rest."""
    items: Sequence[Leaf] = ()
    more: int = 0
    """How many items are left out."""
    is_open: bool = False


class _Budget:
    def __init__(self, lines: int, width: int) -> None:
        self.lines = lines
        self.width = width


def tree(value: Json, *, lines: int = LINES, key: str = "") -> Leaf:
    """The value as a tree of at most about ``lines`` lines."""
    return _leaf(key, value, 0, _Budget(lines, _TEXT if lines == LINES else _TEXT_ALONE))


def call_trees(call: Json, names: Iterable[str] = (), *, lines: int = LINES) -> list[Leaf]:
    """The arguments of an encoded call, each as a tree. An argument whose name is not known has its number."""
    budget = _Budget(lines, _TEXT if lines == LINES else _TEXT_ALONE)
    given = arguments(call, names)
    found = [_leaf(name or str(at), value, 1, budget) for at, (name, value) in enumerate(given) if budget.lines > 0]
    return (
        found if len(found) == len(given) else [*found, Leaf("", f"… {len(given) - len(found):,} more arguments", "k")]
    )


def _leaf(key: str, value: Json, depth: int, budget: _Budget) -> Leaf:
    budget.lines -= 1
    parts = _parts(value)
    text = show(value, limit=budget.width, depth=_DEEPEST if not parts else 3).text
    key = shortened(key, _TEXT)
    if not parts:
        return Leaf(key, text, _kind(value))
    text = shortened(text, 90)
    if depth >= _DEEPEST:
        return Leaf(key, f"{text} … deeper than {_DEEPEST} levels", "o")
    items: list[Leaf] = []
    for name, item in parts:
        if budget.lines <= 0:
            break
        items.append(_leaf(name, item, depth + 1, budget))
    is_open = depth < _OPEN_DEPTH and len(parts) <= 20
    return Leaf(key, text, "o", _head(value, len(parts)), items, len(parts) - len(items), is_open)


def _head(value: Json, count: int) -> str:
    tag = value.get(TAG) if type(value) is dict else None
    if type(tag) is str and tag not in (*_ITEMS, "dict"):
        return shortened(tag.rpartition(".")[2], 60)
    return f"{tag or ('list' if type(value) is list else 'dict')} of {count:,}"


def _parts(value: Json) -> list[tuple[str, Json]]:
    """What is inside of a value; nothing for one without parts."""
    if type(value) is list:
        return [(str(at), item) for at, item in enumerate(value)]
    if type(value) is not dict:
        return []
    tag, items = value.get(TAG), value.get("items")
    if type(tag) is not str:
        return list(value.items())
    if tag in _ITEMS and type(items) is list:
        return [(str(at), item) for at, item in enumerate(items)]
    if tag == "dict" and type(items) is list:
        return [_pair(at, item) for at, item in enumerate(items)]
    if tag == "exception" or ("value" in value and len(value) == 2) or tag in ("str", "Run"):
        return []
    return [(name, item) for name, item in value.items() if name[:1] != "$"]


def _pair(at: int, item: Json) -> tuple[str, Json]:
    if type(item) is list and len(item) == 2:
        return show(item[0], limit=60, depth=2).text, item[1]
    return str(at), item


def _kind(value: Json) -> str:
    if type(value) is str:
        return "s"
    if type(value) in (int, float):
        return "n"
    return "k" if value is None or type(value) is bool else "o"
