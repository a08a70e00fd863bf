"""The app and its framework are found where the frameworks' own tools would look for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from workflow_build.config import Flags, load


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLASK_APP", "QUART_APP", "LITESTAR_APP", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.delenv(name, raising=False)


def found(folder: Path, files: Mapping[str, str]) -> tuple[str | None, tuple[str, ...]]:
    """The app, and the targets."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    config = load(folder, Flags())
    return config.app, config.targets


@pytest.mark.parametrize(
    ("text", "app", "target"),
    [
        ("from flask import Flask\napp = Flask(__name__)", "shop.main:app", "flask"),
        ("import flask\nsite = flask.Flask(__name__)", "shop.main:site", "flask"),
        ("import flask as f\napp: f.Flask = f.Flask(__name__)", "shop.main:app", "flask"),
        ("from flask import Flask as Web\napp = Web(__name__)", "shop.main:app", "flask"),
        ("from starlette.applications import Starlette\napp = Starlette()", "shop.main:app", "starlette"),
        ("from starlette import applications\napp = applications.Starlette()", "shop.main:app", "starlette"),
        ("import starlette.applications\napp = starlette.applications.Starlette()", "shop.main:app", "starlette"),
        ("from fastapi import FastAPI, Request\nimport starlette\napi = FastAPI()", "shop.main:api", "fastapi"),
        ("from flask import Flask\ndef create_app(test=False): return Flask('x')", "shop.main:create_app", "flask"),
        ("from flask import Flask\ndef make_app(*, test=False):\n  a = Flask('x')\n  return a", "shop.main:make_app", "flask"),
        ("from flask import Flask\ndef create_app(settings): return Flask('x')", None, "flask"),
        ("from flask import Flask\ndef build(): return Flask('x')", None, "flask"),
        ("from flask import Flask\ndef create_app(): return Flask('x')\napp = create_app()", "shop.main:create_app", "flask"),
    ],
)  # fmt: skip
def test_an_app_that_a_module_makes_is_found_however_its_class_is_imported(
    tmp_path: Path, text: str, app: str | None, target: str
) -> None:
    assert found(tmp_path, {"shop/__init__.py": "", "shop/main.py": text}) == (app, (target,))


def test_a_class_of_the_same_name_from_elsewhere_makes_no_app(tmp_path: Path) -> None:
    text = "from shop.maps import Flask\napp = Flask()"

    assert found(tmp_path, {"shop/__init__.py": "", "shop/main.py": text, "shop/maps.py": "class Flask: ..."}) == (
        None,
        (),
    )


@pytest.mark.parametrize(
    ("value", "app"),
    [
        ("shop.web", "shop.web:application"),
        ("shop.web:other", "shop.web:other"),
        ("shop/web.py", "shop.web:application"),
        ("shop/web.py:other", "shop.web:other"),
        ("shop", "shop:create_app"),
        ("shop:create_app()", "shop:create_app()"),
        ("shop:create_app('test')", "shop:create_app"),  # what arguments there are is left to running code
        ("elsewhere", "shop:create_app"),
    ],
)
@pytest.mark.parametrize("place", ["environment", ".flaskenv", ".env"])
def test_flask_app_names_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, app: str, place: str
) -> None:
    if place == "environment":
        monkeypatch.setenv("FLASK_APP", value)
    else:
        (tmp_path / place).write_text(f"# settings\nFLASK_DEBUG=1\nexport FLASK_APP='{value}'\n")
    files = {
        "shop/__init__.py": "from flask import Flask\n\n\ndef create_app(test=False):\n    return Flask('shop')\n",
        "shop/web.py": "from flask import Flask\n\nother = Flask('o')\napplication: Flask = Flask('shop')\n",
    }
    if app == "shop:create_app":
        files["shop/web.py"] = ""

    assert found(tmp_path, files) == (app, ("flask",))


def test_the_environment_goes_before_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {f"{name}.py": "from flask import Flask\napp = Flask('x')\n" for name in ("one", "two", "three")}

    assert found(tmp_path, modules | {".flaskenv": "FLASK_APP=three\n"}) == ("three:app", ("flask",))
    assert found(tmp_path, {".env": "FLASK_APP=two\n"}) == ("two:app", ("flask",))
    monkeypatch.setenv("FLASK_APP", "one")
    assert found(tmp_path, {}) == ("one:app", ("flask",))
