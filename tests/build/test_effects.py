"""What fills a kept value while its module is loaded stays in the bundle; what does not touch it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

HEAD = "import functools, heapq, random, os\nfrom workflow_runtime import step, workflow\n"
FLOW = "@workflow\nasync def w(): return H\n"

KEPT = {
    "decorator": "H = {}\ndef register(f):\n    H[f.__name__] = f\n    return f\n@register\ndef MARK(): ...\n",
    "decorator with arguments": "H = {}\ndef r(n):\n    def d(f):\n        H[n] = f\n    return d\n@r('a')\ndef MARK(): ...\n",
    "class decorator": "H = []\ndef r(c):\n    H.append(c)\n    return c\n@r\nclass MARK: ...\n",
    "call": "H = []\ndef add(x): H.append(x)\nMARK = add(1)\n",
    "call of a call": "H = []\ndef add(x): H.append(x)\ndef more(): add(1)\nMARK = more()\n",
    "call in a loop": "H = []\ndef add(x): H.append(x)\nfor MARK in (1, 2): add(MARK)\n",
    "global": "H = 1\ndef change():\n    global H\n    H = 2\nMARK = change()\n",
    "method as decorator": "@functools.singledispatch\ndef H(x): ...\n@H.register\ndef MARK(x: int): ...\n",
    "method call as decorator": "@functools.singledispatch\ndef H(x): ...\n@H.register(int)\ndef MARK(x): ...\n",
    "subclass": "H = []\nclass A:\n    def __init_subclass__(cls): H.append(cls)\nclass MARK(A): ...\n",
    "subclass of itself": "class H:\n    def __init_subclass__(cls): ...\nclass MARK(H): ...\n",
    "metaclass": "H = []\nclass M(type):\n    def __init__(cls, *a): H.append(cls)\nclass MARK(metaclass=M): ...\n",
    "constructor": "H = []\nclass A:\n    def __init__(self): H.append(1)\nMARK = A()\n",
    "setattr": "class H: ...\nsetattr(H, 'MARK', 1)\n",
    "heap": "H = [1]\nheapq.heappush(H, 'MARK')\n",
    "attribute": "def H(): ...\nH.MARK = 1\n",
}
GONE = {
    "a local of that name": "H = {}\ndef f(H): H['a'] = 1\nMARK = f({})\n",
    "a local that is bound": "H = []\ndef f():\n    H = []\n    H.append(1)\nMARK = f()\n",
    "never called": "H = []\ndef f(): H.copy()\nMARK = f()\n",
    "another name": "H = []\nG = []\ndef f(): G.append(1)\nMARK = f()\n",
    "called later only": "H = []\ndef f(): H.append(1)\ndef MARK(): f()\n",
    "step": "H = {}\ndef register(f):\n    H[1] = f\n    return f\n@register\n@step\ndef MARK(): ...\n",
    "method that changes nothing": "H = []\nimport logging\nlog = logging.getLogger()\ndef f(): log.info(H)\nMARK = f()\n",
}


def text_of(build: Callable[..., Any], source: str) -> str:
    return str(build({"m.py": HEAD + source + FLOW}).texts()["m"])


@pytest.mark.parametrize("name", KEPT)
def test_what_fills_a_kept_value_is_kept(build: Callable[..., Any], name: str) -> None:
    assert "MARK" in text_of(build, KEPT[name])


@pytest.mark.parametrize("name", GONE)
def test_what_does_not_is_not(build: Callable[..., Any], name: str) -> None:
    assert "MARK" not in text_of(build, GONE[name])


def test_what_is_filled_from_elsewhere_is_said(build: Callable[..., Any]) -> None:
    files = {
        "reg.py": "H = {}\ndef register(f):\n    H[f.__name__] = f\n    return f\ndef run(): return H['a']()\n",
        "handlers.py": "from reg import register\n@register\ndef a(): ...\n",
        "m.py": "import handlers\nfrom reg import run\nfrom workflow_runtime import workflow\n@workflow\nasync def w(): run()\n",
    }
    (finding,) = build(files).diagnostics
    assert (finding.code, finding.location.path, finding.location.line) == ("WB129", "reg.py", 1)
    assert "register" in finding.message
    assert finding.trail == ("w", "run", "H")
