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


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("import aiohttp\n\nasync def get(): ...", ()),
        ("from aiohttp import ClientSession", ()),
        ("from aiohttp import ClientSession  # web", ()),
        ("from tornado.httpclient import AsyncHTTPClient", ()),
        ("from tornado import ioloop", ()),
        ("from aiohttp import web", ("aiohttp",)),
        ("from aiohttp import (\n    ClientSession,\n    web,\n)", ("aiohttp",)),
        ("import aiohttp.web", ("aiohttp",)),
        ("from aiohttp.web import RouteTableDef", ("aiohttp",)),
        ("from tornado import ioloop, web", ("tornado",)),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_client_of_a_package_is_no_use_of_its_server(
    tmp_path: Path, text: str, targets: tuple[str, ...], declared: bool
) -> None:
    dependencies = '["aiohttp>=3", "tornado"]' if declared else "[]"
    project = f'[project]\nname = "shop"\nversion = "1"\ndependencies = {dependencies}\n'

    assert found(tmp_path, {"pyproject.toml": project, "jobs.py": text}) == (None, targets)


def test_a_client_beside_another_framework_is_no_target(tmp_path: Path) -> None:
    project = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["aiohttp", "fastapi"]\n'

    assert found(tmp_path, {"pyproject.toml": project, "jobs.py": "import aiohttp\n"}) == (None, ("fastapi",))


DJANGO = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\n",
    "site_/__init__.py": "",
    "site_/settings.py": "",
    "site_/asgi.py": "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n",
}
API = {"shop/__init__.py": "", "shop/main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}


@pytest.mark.parametrize(
    ("mounting", "app", "target"),
    [
        ({}, "site_.asgi:application", "django"),
        ({"shop/more.py": "from shop._workflow.fastapi import mount\n"}, "shop.main:app", "fastapi"),
        ({"shop/more.py": "from ._workflow import fastapi\n"}, "shop.main:app", "fastapi"),
        ({"site_/urls.py": "include('shop._workflow.django')\n"}, "site_.asgi:application", "django"),
    ],
    ids=["neither", "from", "import", "django"],
)
def test_of_several_apps_the_one_that_mounts_goes_before_what_settings_name(
    tmp_path: Path, mounting: dict[str, str], app: str, target: str
) -> None:
    assert found(tmp_path, {**DJANGO, **API, **mounting}) == (app, (target,))


def test_the_apps_that_are_not_chosen_are_told(tmp_path: Path) -> None:
    found(tmp_path, {**DJANGO, **API})

    assert load(tmp_path, Flags()).other_apps == ("shop.main:app (FastAPI)",)
    assert load(tmp_path, Flags(app="shop.main:app")).other_apps == ()


def test_a_platform_goes_before_the_framework_of_its_app(tmp_path: Path) -> None:
    assert found(tmp_path, {**DJANGO, "vercel.json": '{"framework": "django"}'}) == (
        "site_.asgi:application",
        ("vercel",),
    )


def test_an_app_whose_handler_for_its_framework_is_mounted_keeps_it_on_a_platform(tmp_path: Path) -> None:
    project = '[project]\nname = "shop"\nversion = "1"\n\n[tool.vercel]\nentrypoint = "shop.main:app"\n'
    main = API["shop/main.py"] + "from shop._workflow.fastapi import mount\nmount(app)\n"

    assert found(tmp_path, {**API, "pyproject.toml": project}) == ("shop.main:app", ("vercel",))
    assert found(tmp_path, {"shop/main.py": main}) == ("shop.main:app", ("fastapi",))
