"""The rules about what would not go the same way again: sets visited in order, and state of modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Build = Callable[..., Any]
HEAD = "import collections, contextvars, random\nfrom dataclasses import dataclass\nfrom workflow_runtime import step, workflow\n"
STEP = "@step\nasync def pay(*a): ...\n"


def found(build: Build, text: str, code: str) -> list[str]:
    return [one.message for one in build({"m.py": text}).diagnostics if one.code == code]


def flow(*lines: str, before: str = "") -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"{HEAD}{STEP}{before}@workflow\nasync def checkout(items: list[str], tags: set[str], ids: set[int]):\n    await pay()\n{body}"


@pytest.mark.parametrize(
    "line",
    [
        "for item in {'a', 'b'}: await pay(item)",
        "for item in set(items): await pay(item)",
        "for item in frozenset(items): await pay(item)",
        "for item in tags: await pay(item)",
        "unique = set(items)\n    for item in unique: await pay(item)",
        "unique = {i for i in items}\n    return [i for i in unique]",
        "return list(set(items))",
        "return tuple({*items})",
        "return [*set(items)]",
        "return ','.join(set(items))",
        "for n, item in enumerate(set(items)): await pay(item)",
        "for item in set(items) - tags: await pay(item)",
        "for item in set(items).union(tags): await pay(item)",
        "first = next(iter(tags))",
        "await pay(*tags)",
        "return [i for i in tags if i]",
        "return dict(zip(tags, items))",
    ],
)
def test_code_that_follows_the_order_of_a_set_is_found(build: Build, line: str) -> None:
    assert found(build, flow(line), "WB121")


@pytest.mark.parametrize(
    "line",
    [
        "for item in sorted(set(items)): await pay(item)",
        "return len(set(items)), sum(ids), max(tags), any(t for t in tags), 'a' in tags",
        "return sorted(t for t in tags), {t.lower() for t in tags}, set(list(tags))",
        "for item in {1, 2, 3}: await pay(item)",
        "for item in ids: await pay(item)",
        "for item in set(range(5)): await pay(item)",
        "for item in dict.fromkeys(items): await pay(item)",
        "for key in {'a': 1}: await pay(key)",
        "unique = set(items)\n    unique = sorted(unique)\n    for item in unique: await pay(item)",
        "unique = set(items)\n    unique |= tags\n    return len(unique)",
        "set = list\n    for item in set(items): await pay(item)",
        "for item in items: await pay(item)",
        "return {**{t: 1 for t in tags}}",
        "return {*tags, *items}",
        "return min(list(tags)), sorted(list(tags)), sum(map(len, tags))",
        "for item in set(): await pay(item)",
    ],
)
def test_code_that_does_not_is_left_alone(build: Build, line: str) -> None:
    assert found(build, flow(line), "WB121") == []


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("for item in tags: await pay(item)", "error"),
        ("await pay(list(tags))", "error"),
        ("await pay(','.join(tags))", "error"),
        ("return [await pay(tag) for tag in tags]", "error"),
        ("for item in tags: items.append(item)", "warning"),
        ("names = list(tags)", "warning"),
        ("first = next(iter(tags))", "warning"),
        ("raise ValueError(', '.join(tags))", None),
        ("return f'{list(tags)}'", None),
    ],
)
def test_what_is_awaited_in_the_order_of_a_set_is_an_error_and_what_people_read_is_nothing(
    build: Build, line: str, severity: str | None
) -> None:
    built = build({"m.py": flow(line)})
    assert [one.severity for one in built.diagnostics if one.code == "WB121"] == ([severity] if severity else [])


def test_sets_in_steps_and_in_the_app_are_no_concern(build: Build) -> None:
    text = (
        flow() + "@step\nasync def s(x):\n    for i in set(x): print(i)\ndef app(x):\n    for i in set(x): print(i)\n"
    )
    assert found(build, text, "WB121") == []


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("N = 0\n", "global N; N = 1"),
        ("N = 0\n", "global N; N += 1"),
        ("N = 0\n", "global N; del N"),
        ("SEEN = []\n", "SEEN.append(1)"),
        ("SEEN: list[int] = []\n", "SEEN.extend([1])"),
        ("SEEN = {}\n", "SEEN['a'] = 1"),
        ("SEEN = {}\n", "SEEN['a']['b'] = 1"),
        ("SEEN = {}\n", "del SEEN['a']"),
        ("SEEN = collections.defaultdict(list)\n", "SEEN.update(a=1)"),
        ("SEEN = {x for x in ()}\n", "SEEN.add(1)"),
        ("class Shop:\n    open = True\n", "Shop.open = False"),
        ("class Shop: ...\nSHOP = Shop()\n", "SHOP.orders = 1"),
        ("SEEN = []\n", "def inner(): SEEN.append(1)\n    inner()"),
        ("SEEN = []\ndef helper(): SEEN.append(1)\n", "helper()"),
    ],
)
def test_changing_what_a_module_holds_is_found(build: Build, before: str, line: str) -> None:
    assert len(found(build, flow(line, before=before), "WB122")) == 1


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("SEEN = []\n", "SEEN = []; SEEN.append(1)"),
        ("SEEN = ['a']\n", "seen = list(SEEN); seen.append('b'); seen[0] = 'c'"),
        ("SEEN = ['a']\nSEEN.append('b')\nSEEN[0] = 'c'\n", "return SEEN"),
        ("SEEN = {}\n", "return SEEN.get('a'), SEEN['a'], SEEN.copy()"),
        ("VAR = contextvars.ContextVar('v')\n", "VAR.set(1)"),
        (
            "class Cart:\n    def __init__(self): self.items = []; self.items.append(1)\n",
            "cart = Cart(); cart.items.append(2); cart.n = 1",
        ),
        ("@dataclass\nclass Cart:\n    n: int\n", "cart = Cart(1); cart.n += 1"),
        ("N = 0\n", "global N; return N"),
        ("class Wrapped:\n    def append(self, x): ...\nSEEN = Wrapped()\n", "SEEN.append(1)"),
        ("", "random.shuffle(items); items.append(1); items[0] = 2"),
    ],
)
def test_changing_what_is_the_workflows_own_is_left_alone(build: Build, before: str, line: str) -> None:
    assert found(build, flow(line, before=before), "WB122") == []


REGISTER = "SEEN = {}\ndef register(f):\n    SEEN[f.__name__] = f\n    return f\n"
FACTORY = "SEEN = {}\ndef register(name):\n    def deco(f):\n"


@pytest.mark.parametrize(
    "before",
    [
        REGISTER + "@register\ndef helper(): ...\n",
        REGISTER.replace("(f)", "(name)")
        .replace("f.__name__", "name")
        .replace("= f", "= 1")
        .replace("return f", "return lambda f: f")
        + "@register('x')\ndef helper(): ...\n",
        REGISTER + "helper = register(len)\n",
        FACTORY + "        SEEN[name] = f\n        return f\n    return deco\n@register('a')\ndef helper(): ...\n",
        "SEEN = []\nclass A:\n    def __init_subclass__(cls): SEEN.append(1)\nclass B(A): ...\ndef helper(): B(), SEEN\n",
        REGISTER + "def twice(f): return register(register(f))\n@twice\ndef helper(*_): ...\n",
        REGISTER + "class A:\n    @register\n    def f(self): ...\ndef helper(): A()\n",
        REGISTER + "def helper(): return SEEN\nregister(helper)\n",
    ],
)
def test_what_is_filled_while_modules_are_loaded_is_left_alone(build: Build, before: str) -> None:
    assert found(build, flow("helper()", before=before), "WB122") == []


@pytest.mark.parametrize(
    "before",
    [
        REGISTER + "@register\ndef helper(): register(len)\n",
        FACTORY + "        return lambda: SEEN.update(a=f)\n    return deco\n@register('a')\ndef helper(): ...\n",
        "SEEN = {}\ndef register(name):\n    def deco(): SEEN[name] = 1\n    return deco\nhelper = register('a')\n",
        REGISTER + "HELPERS = [register]\ndef helper(): HELPERS[0](len)\n",
        REGISTER + "def helper(f=register): f(len)\n",
        REGISTER + "def partial(f): return f\nhelper = partial(register)\n",
        "SEEN = []\ndef noting(f):\n    def inner():\n        SEEN.append(1)\n    return inner\n@noting\ndef helper(): ...\n",
        REGISTER + "def noting(f):\n    return lambda: register(f)\n@noting\ndef helper(): ...\n",
        REGISTER + "class Handler:\n    def __call__(self): register(len)\nhelper = Handler()\n",
    ],
)
def test_what_may_run_with_the_workflow_is_not(build: Build, before: str) -> None:
    assert len(found(build, flow("helper()", before=before), "WB122")) == 1


def test_steps_may_change_what_they_like(build: Build) -> None:
    text = flow(before="SEEN = []\n") + "@step\nasync def s():\n    global SEEN\n    SEEN = []\n    SEEN.append(1)\n"
    assert found(build, text, "WB122") == []


def test_state_of_another_module_is_said_with_the_way_there(build: Build) -> None:
    files = {
        "shop/state.py": "SEEN = []\nCOUNT = 0\n",
        "shop/a.py": "from shop.state import SEEN as seen\nimport shop.state as state\nfrom workflow_runtime import workflow\n"
        "def note():\n    seen.append(1)\n    state.SEEN.append(1)\n    state.COUNT = 2\n@workflow\nasync def w(): note()\n",
    }
    built = build(files)
    messages = [one.message for one in built.diagnostics if one.code == "WB122"]
    assert messages == [
        "workflow w changes seen, which belongs to module shop.state: w → note → seen",
        "workflow w changes state.SEEN, which belongs to module shop.state: w → note → state.SEEN",
        "workflow w changes state.COUNT, which belongs to module shop.state: w → note → state.COUNT",
    ]
    (finding, *_) = [one for one in built.diagnostics if one.code == "WB122"]
    assert finding.trail == ("w", "note")
    assert [(place.path, place.line) for place in finding.flow] == [("shop/a.py", 9), ("shop/a.py", 4)]
