"""``workflow-build init``: what it writes, what it leaves alone, and what it says."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from workflow_build.cli import cli

ORDERS = """\
from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
async def checkout(cents: int) -> int:
    return await charge(cents)
"""
MAIN = "from fastapi import FastAPI\n\napp = FastAPI()\n"
PYPROJECT = """\
# The shop.
[project]
name    =  "shop"     # not "store"
version = "1.0"
dependencies = [
    "fastapi",  # the web
    "workflow-build",
]

[tool.ruff]
line-length = 100
"""
SECTION = """
[tool.workflow-build]
app = "shop.main:app"
targets = ["fastapi"]
out = "shop/_workflow"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project that nobody has set up, in a git repository."""
    files = {"shop/__init__.py": "", "shop/orders.py": ORDERS, "shop/main.py": MAIN, "pyproject.toml": PYPROJECT}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def init(project: Path, *flags: str) -> Result:
    return CliRunner().invoke(cli, ["init", str(project), *flags])


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_section_is_added_and_every_byte_that_was_there_stays(shop: Path) -> None:
    done = init(shop)

    assert done.exit_code == 0, done.output
    assert (shop / "pyproject.toml").read_text() == PYPROJECT + SECTION
    assert (shop / ".gitignore").read_text() == ".workflow/\n.workflow-build/\n"
    assert (shop / ".gitattributes").read_text() == "shop/_workflow/** text eol=lf linguist-generated\n"
    assert done.stdout.startswith("added to pyproject.toml\nwrote .gitignore\nwrote .gitattributes\n")


def test_it_shows_the_lines_that_the_app_needs_and_where_the_app_is(shop: Path) -> None:
    said = init(shop).stdout

    assert (
        "add to shop/main.py:3, below the app:\n\n    from shop._workflow.fastapi import mount\n    mount(app)\n"
        in said
    )
    assert "commit shop/_workflow/ with your code" in said


def test_a_project_set_up_by_it_builds_once_the_lines_are_added(shop: Path) -> None:
    lines = [line[4:] for line in init(shop).stdout.splitlines() if line.startswith("    ")]
    with (shop / "shop" / "main.py").open("a") as file:
        file.write("\n".join([*lines, ""]))

    built = CliRunner().invoke(cli, ["build", str(shop)])

    assert built.exit_code == 0, built.output
    assert '"confirmed": true' in (shop / "shop" / "_workflow" / "config.json").read_text()
    assert "shop/main.py mounts the handler already" in init(shop).stdout


def test_a_second_time_changes_nothing_and_says_so(shop: Path) -> None:
    init(shop)
    before = tree(shop)

    again = init(shop, "--app", "other:app")

    assert again.exit_code == 0
    assert "pyproject.toml has [tool.workflow-build] already; it stays as it is" in again.stdout
    assert tree(shop) == before


@pytest.mark.parametrize("flags", [(), ("--ignore-output",)])
def test_a_dry_run_shows_a_diff_that_git_can_apply_and_writes_nothing(flags: tuple[str, ...], shop: Path) -> None:
    (shop / ".gitignore").write_text("*.pyc")  # no newline at its end
    before = tree(shop)

    dry = init(shop, "--dry-run", *flags)

    assert tree(shop) == before
    patch = dry.stdout[: dry.stdout.index("\nadd to")]
    subprocess.run(["git", "apply", "-"], cwd=shop, input=f"{patch}\n", text=True, check=True)
    applied = tree(shop)
    for name, content in before.items():
        (shop / name).write_bytes(content)
    init(shop, *flags)
    assert tree(shop) == applied


def test_a_project_without_pyproject_gets_one(shop: Path) -> None:
    (shop / "pyproject.toml").unlink()

    init(shop)

    assert (shop / "pyproject.toml").read_text() == SECTION.lstrip()


@pytest.mark.parametrize(
    "text",
    [
        "[project]\r\nname = 'x'\r\n",
        "[project]\nname = 'x'",
        "",
        "[tool]\n[tool.black]\n[project]\nname = 'ö'\n\n\n",
        'tool.ruff.line-length = 90\n[project]\nname = "x"\n',
        "[[tool.uv.index]]\nname = 'a'\n",
    ],
    ids=[
        "windows newlines",
        "no newline at the end",
        "empty",
        "tables in odd order",
        "dotted keys",
        "an array at the end",
    ],
)
def test_whatever_the_file_looks_like_it_means_the_same_and_the_section(text: str, shop: Path) -> None:
    path = shop / "pyproject.toml"
    path.write_bytes(text.encode())
    before = tomllib.loads(text)

    done = init(shop)

    data = path.read_bytes()
    assert done.exit_code == 0, done.output
    assert data.startswith(text.encode())
    assert b"\r\n" not in text.encode() or data.count(b"\n") == data.count(b"\r\n")
    after = tomllib.loads(data.decode())
    assert after["tool"].pop("workflow-build")["out"] == "shop/_workflow"
    assert {**after, "tool": after["tool"] or None} == {**before, "tool": before.get("tool") or None}


def test_a_file_that_nothing_can_be_added_to_is_refused_with_the_text_to_add(shop: Path) -> None:
    (shop / "pyproject.toml").write_text('tool = { ruff = { line-length = 90 } }\n[project]\nname = "x"\n')
    before = tree(shop)

    done = init(shop)

    assert done.exit_code == 2
    assert "[tool.workflow-build]\n" in done.stderr
    assert tree(shop) == before


def test_an_output_that_is_to_be_ignored_is_added_to_gitignore_once(shop: Path) -> None:
    (shop / ".gitignore").write_text("*.pyc\n.workflow*/\n")

    said = init(shop, "--ignore-output").stdout
    init(shop, "--ignore-output")

    assert (shop / ".gitignore").read_text() == "*.pyc\n.workflow*/\nshop/_workflow/\n"
    assert "git ignores shop/_workflow/: run workflow-build before each deploy, too" in said


def test_committed_output_stays_fresh_where_git_turns_newlines_into_those_of_windows(shop: Path) -> None:
    lines = [line[4:] for line in init(shop).stdout.splitlines() if line.startswith("    ")]
    (shop / "shop" / "main.py").write_text("\n".join([MAIN, *lines, ""]))
    assert CliRunner().invoke(cli, ["build", str(shop)]).exit_code == 0
    git = ["git", "-c", "core.autocrlf=true", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "add", "."], cwd=shop, check=True, capture_output=True)
    subprocess.run([*git, "commit", "-q", "-m", "all"], cwd=shop, check=True)

    subprocess.run([*git, "clone", "-q", "--config", "core.autocrlf=true", ".", "copy"], cwd=shop, check=True)

    clone = shop / "copy"
    assert b"\r\n" in (clone / "shop" / "orders.py").read_bytes()
    checked = CliRunner().invoke(cli, ["build", str(clone), "--check"])
    assert checked.exit_code == 0, checked.output


def test_what_git_ignores_already_is_not_added_again(shop: Path) -> None:
    (shop / ".gitignore").write_text(".*/\n_workflow\n")

    said = init(shop).stdout

    assert (shop / ".gitignore").read_text() == ".*/\n_workflow\n"
    assert "git ignores shop/_workflow/" in said


def test_a_folder_that_is_in_no_repository_gets_nothing_for_git(shop: Path) -> None:
    (shop / ".git").rename(shop / "git")

    init(shop)

    assert not (shop / ".gitignore").exists()
    assert not (shop / ".gitattributes").exists()


def test_the_root_of_a_namespace_is_written_so_that_it_stays_what_it_is(shop: Path) -> None:
    (shop / "src" / "acme").mkdir(parents=True)
    (shop / "shop").rename(shop / "src" / "acme" / "shop")

    init(shop)
    (shop / "main.py").write_text("")
    again = init(shop)

    table = tomllib.loads((shop / "pyproject.toml").read_text())["tool"]["workflow-build"]
    assert (table["app"], table["roots"]) == ("acme.shop.main:app", ["src"])
    assert "add to src/acme/shop/main.py:3" in again.stdout


def test_flags_are_what_is_written(shop: Path) -> None:
    init(shop, "--app", "shop.web:create_app()", "--out", "shop/generated", "--target", "fastapi")

    table = tomllib.loads((shop / "pyproject.toml").read_text())["tool"]["workflow-build"]
    assert table == {"app": "shop.web:create_app()", "targets": ["fastapi"], "out": "shop/generated"}


def test_a_project_that_does_not_depend_on_what_it_imports_gets_the_line_and_keeps_its_list(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKFLOW_WORLD", "postgresql://db/shop")

    done = init(shop)

    assert (
        'add to `dependencies` under [project] of pyproject.toml:\n\n    "workflow-build[postgres]",\n' in done.stdout
    )
    assert (shop / "pyproject.toml").read_text() == PYPROJECT + SECTION


def test_a_worker_without_a_web_app_is_run_and_not_mounted(shop: Path) -> None:
    said = init(shop, "--target", "worker").stdout

    assert "run the worker, once it is built:\n\n    python -m shop._workflow.worker\n" in said
    assert "add to" not in said


def test_a_project_without_a_web_framework_is_told_of_workers(shop: Path) -> None:
    (shop / "shop" / "main.py").unlink()
    (shop / "pyproject.toml").write_text("")

    assert "run a worker without a web app" in init(shop).stdout


def test_lines_for_a_factory_go_inside_of_it(shop: Path) -> None:
    (shop / "shop" / "main.py").write_text("from fastapi import FastAPI\n\n\ndef make():\n    return FastAPI()\n")

    assert "add to shop/main.py:4, inside make, before it returns:" in init(shop, "--app", "shop.main:make").stdout


def test_django_gets_lines_for_its_urls_and_for_its_asgi(shop: Path) -> None:
    (shop / "shop" / "asgi.py").write_text("application = None\n")

    said = init(shop, "--target", "django", "--app", "shop.asgi:application").stdout

    assert "below the app" not in said
    urls, _, asgi = said.partition("asgi.py")
    assert "urls.py:" in urls
    assert 'path("", include("shop._workflow.django"))' in urls
    assert "from shop._workflow.django import mount\n    application = mount(application)\n" in asgi


def test_django_that_is_served_by_wsgi_alone_gets_no_lines_for_an_asgi_that_it_has_not(shop: Path) -> None:
    wsgi = "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n"
    (shop / "shop" / "wsgi.py").write_text(wsgi)
    (shop / "manage.py").write_text('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n')
    (shop / "shop" / "main.py").unlink()

    said = init(shop).stdout

    assert (
        tomllib.loads((shop / "pyproject.toml").read_text())["tool"]["workflow-build"]["app"] == "shop.wsgi:application"
    )
    assert 'path("", include("shop._workflow.django"))' in said
    assert "asgi" not in said
    assert "from shop._workflow.django import bridge\n        bridge.start()\n" in said


@pytest.mark.parametrize(
    "urls",
    [
        'urlpatterns = [path("", include("shop._workflow.django"))]\n',
        'from shop._workflow import django as workflow\nurlpatterns = [path("", include(workflow))]\n',
        "from shop._workflow.django import urlpatterns as more\nurlpatterns = [*more]\n",
    ],
)
def test_django_is_mounted_where_its_urls_include_the_handler_and_not_where_its_worker_is_started(
    urls: str, shop: Path
) -> None:
    start = "from shop._workflow.django import mount\napplication = mount(application)\n"
    (shop / "shop" / "asgi.py").write_text(start)
    flags = ("--target", "django", "--app", "shop.asgi:application")

    half = init(shop, *flags).stdout
    (shop / "shop" / "urls.py").write_text(urls)
    whole = init(shop, *flags).stdout

    assert 'urlpatterns = [path("", include("shop._workflow.django")), *urlpatterns]' in half
    assert "shop/urls.py mounts the handler already" in whole
