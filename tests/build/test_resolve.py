"""What a workflow reaches."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from workflow_build.discover import discover
from workflow_build.model import Config
from workflow_build.resolve import resolve
from workflow_build.scan import scan

HEAD = "from workflow_runtime import step, workflow\n"


@pytest.fixture
def reach(build: Callable[..., Any]) -> Callable[..., dict[str, str]]:
    """The bundle's text of each module, blank lines left out."""

    def run(files: Mapping[str, str | bytes], workflow: str | None = None) -> dict[str, str]:
        texts = build(files).texts(workflow)
        return {name: "".join(f"{line}\n" for line in text.split("\n") if line) for name, text in texts.items()}

    return run


def module(text: str) -> str:
    return HEAD + dedent(text)


@pytest.mark.parametrize(
    ("before", "body", "kept"),
    [
        ("RATE = 2\nOTHER = 3\n", "return RATE", "RATE = 2\n"),
        ("def f(): return g()\ndef g(): return f()\ndef h(): ...\n", "f()", "def f(): return g()\ndef g(): return f()\n"),
        ("x = 1\n", "x = 2\n    return x", ""),
        ("x = 1\n", "return [x for x in ()]", ""),
        ("x = 1\ny = 2\n", "return [y for y in x]", "x = 1\n"),
        ("x = 1\n", "return lambda x: x", ""),
        ("x = 1\n", "return lambda y=x: y", "x = 1\n"),
        ("x = 1\n", "return (lambda: [y for y in (x,)])", "x = 1\n"),
        ("x = 1\n", "global x\n    x = 2", ""),
        ("x = 1\n", "global x\n    x += 2", "x = 1\n"),
        ("x = 1\n", "def inner():\n        return x\n    return inner", "x = 1\n"),
        ("x = 1\n", "x = 0\n    def inner():\n        nonlocal x\n        x += 1\n    return inner", ""),
        ("x = 1\n", "class A:\n        x = 0\n        y = x\n    return A", ""),
        ("x = 1\n", "class A:\n        y = x\n        x = 0\n    return A", "x = 1\n"),
        ("x = 1\n", "class A:\n        x = 0\n        def f(self): return x\n    return A", "x = 1\n"),
        ("x = 1\n", "try: ...\n    except ValueError as x: return x", ""),
        ("x = 1\n", "with a as x: return x", ""),
        ("x = 1\n", "match a:\n        case {'k': [*x]}: return x", ""),
        ("x = 1\n", "match a:\n        case x.y: return 1", "x = 1\n"),
        ("x = 1\n", "if (x := 2): return x", ""),
        ("x = 1\n", "return [(x := n) for n in ()], x", ""),
        ("x = 1\n", "return f'{x:{x}}'", "x = 1\n"),
        ("x = 1\n", "y: x = 2", "x = 1\n"),
        ("a = b = 1\n", "return b", "a = b = 1\n"),
        ("(a, [b, *c]) = 1, [2]\n", "return c", "(a, [b, *c]) = 1, [2]\n"),
        ("T = {}\nT['a'] = 1\nU = {}\nU['a'] = 1\n", "return T", "T = {}\nT['a'] = 1\n"),
        ("T = []\nT.append(1)\nT += [2]\nprint(T)\n", "return T", "T = []\nT.append(1)\nT += [2]\n"),
        ("T = {}\nfor k in 'ab': T[k] = 1\ndel k\n", "return T", "T = {}\nfor k in 'ab': T[k] = 1\ndel k\n"),
        ("x = 1\nif __name__ == '__main__':\n    x = 2\n", "return x", "x = 1\n"),
        ("x = 1\nx = x + 1\n", "return x", "x = 1\nx = x + 1\n"),
        ("__all__ = ['x']\nx = 1\n", "return x", "x = 1\n"),
        ("import json, re\n", "return json.dumps(1)", "import json\n"),
        ("import os.path, urllib.parse as p\n", "return p.quote('')", "import urllib.parse as p\n"),
        ("import urllib.parse\nimport urllib.request\n", "return urllib.parse.quote('')", "import urllib.parse\n"),
        ("from json import (dumps as d,\n  loads)\n", "return d(1)", "from json import (dumps as d\n)\n"),
        ("from math import *\n", "return sqrt(2)", "from math import *\n"),
        ("from math import *\n", "return len('')", ""),
        ("try:\n    import re2 as re\nexcept ImportError:\n    import re\n", "return re.escape('')", "try:\n    import re2 as re\nexcept ImportError:\n    import re\n"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import x\n", "y: x.Y = 1", ""),
    ],
)  # fmt: skip
def test_the_statements_that_a_workflow_reads_are_kept(
    reach: Callable[..., dict[str, str]], before: str, body: str, kept: str
) -> None:
    function = f"async def w(a):\n    {body}\n"
    assert reach({"m.py": HEAD + before + "@workflow\n" + function})["m"] == kept + function


def test_names_are_followed_through_aliases_and_re_exports(reach: Callable[..., dict[str, str]]) -> None:
    found = reach(
        {
            "shop/__init__.py": "from .models import Order as Bestellung, Unused\nfrom . import other\n",
            "shop/models.py": "import heavy\nclass Order: ...\nclass Unused: ...\n",
            "shop/other.py": "import heavy\n",
            "shop/flow.py": module(
                """
                import shop as s
                @workflow
                async def w():
                    return s.Bestellung()
                """
            ),
        }
    )
    assert found == {
        "shop": "from .models import Order as Bestellung\n",
        "shop.models": "class Order: ...\n",
        "shop.flow": "import shop as s\nasync def w():\n    return s.Bestellung()\n",
    }


@pytest.mark.parametrize(
    ("imports", "use"),
    [
        ("from shop.money import cents", "cents()"),
        ("from .money import cents", "cents()"),
        ("from . import money", "money.cents()"),
        ("import shop.money", "shop.money.cents()"),
        ("import shop.money as m", "m.cents()"),
        ("from .money import *", "cents()"),
        ("from .star import *", "cents()"),
        ("from .star import cents", "cents()"),
        ("from .lazy import cents", "cents()"),
        ("", "(lambda: __import__)\n    from .money import cents\n    cents()"),
        ("", "1\n    import shop.money as m\n    m.cents()"),
        ("", "1\n    from shop import money\n    money.cents()"),
    ],
)
def test_every_form_of_import_leads_to_the_function(build: Callable[..., Any], imports: str, use: str) -> None:
    built = build(
        {
            "shop/__init__.py": "",
            "shop/star.py": "from .money import *\n",
            "shop/lazy.py": "try:\n    from .money import cents\nexcept ImportError:\n    cents = None\n",
            "shop/money.py": "import heavy\ndef cents(): return RATE\ndef other(): return heavy.x\nRATE = 1\n",
            "shop/flow.py": f"{HEAD}{imports}\n@workflow\nasync def w():\n    {use}\n",
        }
    )
    texts = built.texts()
    assert texts["shop.money"].split() == ["def", "cents():", "return", "RATE", "RATE", "=", "1"]
    for name, text in texts.items():
        compile(text, name, "exec", dont_inherit=True)


def test_a_star_gives_only_what_is_needed(reach: Callable[..., dict[str, str]]) -> None:
    found = reach(
        {
            "a.py": "import heavy\nx = 1\ny = heavy.y\n_z = 3\n",
            "m.py": module("from a import *\n@workflow\nasync def w(): return x\n"),
        }
    )
    assert found == {"a": "x = 1\n", "m": "from a import x\nasync def w(): return x\n"}


def test_a_module_that_is_used_as_a_value_stays_whole(reach: Callable[..., dict[str, str]]) -> None:
    found = reach(
        {
            "a.py": "from b import x, z\ny = 2\nprint(y)\n",
            "b.py": "x = z = 1\nw = 2\n",
            "m.py": module("import a\n@workflow\nasync def w(): return getattr(a, 'y')\n"),
        }
    )
    assert (found["a"], found["b"]) == ("from b import x, z\ny = 2\n", "x = z = 1\n")


def test_packages_are_there_though_nothing_in_them_is_needed(build: Callable[..., Any]) -> None:
    built = build(
        {
            "shop/__init__.py": "import heavy\n",
            "shop/deep/money.py": "x = 1\n",
            "m.py": module("from shop.deep.money import x\n@workflow\nasync def w(): return x\n"),
        }
    )
    modules = [(m.name, m.path, m.is_package, m.source) for m in built.bundles.workflows[0].bundle.modules]
    assert [m[:3] for m in modules] == [
        ("m", "m.py", False),
        ("shop", "shop/__init__.py", True),
        ("shop.deep", "shop/deep", True),
        ("shop.deep.money", "shop/deep/money.py", False),
    ]
    assert [m[3] for m in modules[1:3]] == ["", ""]


def test_a_step_is_a_leaf_and_its_heavy_imports_are_not_reached(build: Callable[..., Any]) -> None:
    built = build(
        {
            "pay.py": module(
                """
                import heavy
                from models import Order, Receipt, Table
                CLIENT = heavy.Client()
                @step(max_retries=3)
                def charge(order: Order, client: heavy.Client = CLIENT, table: "Table" = None) -> Receipt:
                    return heavy.charge(CLIENT, order)
                """
            ),
            "models.py": "import heavy, enum\nclass Order(enum.Enum): ...\nclass Receipt: ...\nclass Table(heavy.Base): ...\n",
            "m.py": module("from pay import charge\n@workflow\nasync def w(): return await charge(1)\n"),
        }
    )
    texts = built.texts()
    assert [step.id for step in built.program.workflows[0].steps] == ["step//pay//charge"]
    assert "import heavy" not in "".join(texts.values())
    assert "CLIENT =" not in texts["pay"]
    assert "from models import Order, Receipt\n" in texts["pay"]
    assert texts["models"].split("\n")[:3] == ["import enum", "class Order(enum.Enum): ...", "class Receipt: ..."]


def test_a_class_named_by_annotations_brings_its_methods_along(reach: Callable[..., dict[str, str]]) -> None:
    found = reach(
        {
            "models.py": "import heavy\nRATE = 1\nclass Order:\n    lines: 'list[Line]'\n    def total(self): return RATE\n"
            "    def save(self): heavy.save(CLIENT)\nclass Line: ...\nCLIENT = heavy.Client()\n",
            "m.py": module("from models import Order\n@workflow\nasync def w(o: Order): return o.total()\n"),
        }
    )
    assert "RATE = 1" in found["models"]
    assert "class Line" in found["models"]
    assert "CLIENT =" not in found["models"]


def test_a_workflow_that_calls_a_workflow_inlines_it(build: Callable[..., Any]) -> None:
    built = build({"m.py": module(
        """
        @step
        async def s(): ...
        @workflow
        async def inner(): return await s()
        @workflow
        async def outer(): return await inner()
        """
    )})  # fmt: skip
    steps = {w.function.qualname: [s.id for s in w.steps] for w in built.program.workflows}
    assert steps == {"inner": ["step//m//s"], "outer": ["step//m//s"]}
    assert "async def inner" in built.texts("outer")["m"]
    assert "@workflow" not in built.texts("outer")["m"]


def test_uses_have_the_shortest_call_path(build: Callable[..., Any]) -> None:
    built = build(
        {
            "a.py": "import requests\ndef price(): return requests.get()\ndef far(): return near()\ndef near(): return price()\n",
            "m.py": module("from a import far, price\n@workflow\nasync def w():\n    far()\n    price()\n"),
        }
    )
    (use,) = [use for use in built.program.workflows[0].uses if use.module == "requests"]
    assert (use.name, use.trail, use.location.path, use.location.line) == ("requests.get", ("w", "price"), "a.py", 2)


def test_a_reached_helper_that_can_not_be_read_is_a_finding(build: Callable[..., Any]) -> None:
    built = build(
        {
            "a.py": "def broken(:\n",
            "unreached.py": "def broken(:\n",
            "m.py": module("import a\n@workflow\nasync def w(): return a.x\n"),
        }
    )
    assert [(f.code, f.location.path) for f in built.diagnostics] == [("WB110", "a.py")]


def test_modules_that_import_each_other_are_walked_once(reach: Callable[..., dict[str, str]]) -> None:
    found = reach(
        {
            "a.py": "from b import g\ndef f(): return g()\n",
            "b.py": "import a\nfrom c import *\ndef g(): return a.f()\n",
            "c.py": "from b import *\nfrom c import missing\n",
            "m.py": module("from a import f\nfrom b import nothing\n@workflow\nasync def w(): return f(), nothing\n"),
        }
    )
    assert found["a"] == "from b import g\ndef f(): return g()\n"


def test_the_order_of_the_files_does_not_matter(project: Callable[..., Config]) -> None:
    files = {
        f"m{n}.py": module(
            f"from m{(n + 1) % 7} import f\nimport os\ndef f(): os.x\n@workflow\nasync def w{n}(): f()\n"
        )
        for n in range(7)
    }
    config = project(files)
    sources = scan(config)
    program = resolve(sources, discover(sources), config)
    shuffled = list(sources.files)
    random.Random(3).shuffle(shuffled)
    other = replace(sources, files=tuple(shuffled))
    assert resolve(other, discover(other), config) == program


def test_modules_that_all_import_everything_from_each_other_are_walked(reach: Callable[..., dict[str, str]]) -> None:
    names = [f"m{n}" for n in range(40)]
    stars = "".join(f"from {name} import *\n" for name in names)
    files = {f"{name}.py": f"{stars}def f_{name}(): return missing, f_m7\n" for name in names}
    found = reach(files | {"w.py": module("from m3 import f_m5\n@workflow\nasync def w(): return f_m5, absent\n")})
    assert "def f_m5(): return missing, f_m7" in found["m5"]
    assert "def f_m7(): return missing, f_m7" in found["m7"]
