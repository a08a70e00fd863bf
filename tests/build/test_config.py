"""Settings: flags over the table over what is detected; whatever is wrong is named with its key and its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from workflow_build.config import Flags, load
from workflow_build.errors import UsageError
from workflow_build.model import Config

STEPS = "from workflow_runtime import step\n\n@step\ndef charge() -> None: ...\n"
APP = "import fastapi\nfrom fastapi import FastAPI\n\napp = FastAPI()\n"

Make = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def table(text: str) -> dict[str, str]:
    return {"pyproject.toml": f"[tool.workflow-build]\n{text}\n", "shop/__init__.py": "", "shop/steps.py": STEPS}


def loaded(make: Make, files: Mapping[str, str], flags: Flags | None = None) -> Config:
    return load(make(files), flags or Flags())


def test_flags_win_over_the_table(make: Make) -> None:
    files = table('app = "shop.one:app"\nout = "shop/one"\ntargets = ["fastapi"]\npure = ["numpy"]\nexclude = ["old/"]')

    config = loaded(make, files, Flags(app="shop.two:make()", out="shop/two"))

    assert config.app == "shop.two:make()"
    assert config.out == config.project / "shop" / "two"
    assert (config.targets, config.pure, config.exclude) == (("fastapi",), ("numpy",), ("old/",))


def test_everything_is_detected_in_a_package(make: Make) -> None:
    config = loaded(make, {"shop/__init__.py": "", "shop/api/main.py": APP, "shop/steps.py": STEPS})

    assert config.roots == (config.project,)
    assert config.app == "shop.api.main:app"
    assert config.targets == ("fastapi",)
    assert config.out == config.project / "shop" / "_workflow"


def test_everything_is_detected_under_src(make: Make) -> None:
    config = loaded(make, {"src/shop/main.py": APP, "src/shop/steps.py": STEPS, "setup.py": ""})

    assert config.roots == (config.project / "src",)
    assert config.app == "shop.main:app"
    assert config.out == config.project / "src" / "shop" / "_workflow"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"setup.py": "", "conftest.py": "", "tests/__init__.py": "", "docs/conf.py": ""},
        {"src/acme/shop/api/__init__.py": "", "src/acme/bank/__init__.py": ""},
    ],
    ids=["alone", "beside what is no package", "beside other packages of the namespace"],
)
def test_a_namespace_package_under_src_is_found_and_keeps_its_output_to_itself(
    make: Make, more: dict[str, str]
) -> None:
    shop = {"src/acme/shop/__init__.py": "", "src/acme/shop/api/main.py": APP, "src/acme/shop/steps.py": STEPS}

    config = loaded(make, {**shop, **more})

    assert config.roots == (config.project / "src",)
    assert config.app == "acme.shop.api.main:app"
    assert config.out == config.project / "src" / "acme" / "shop" / "_workflow"


@pytest.mark.parametrize("other", ["shop/__init__.py", "main.py", "src/__init__.py"])
def test_python_deep_below_src_is_no_namespace_beside_packages(make: Make, other: str) -> None:
    assert loaded(make, {other: "", "src/web/build/sass.py": ""}).roots == (make({}),)


@pytest.mark.parametrize("below_src", ["node_modules/gyp/gyp.py", "web/node_modules/gyp.py", "my-app/tool/x.py"])
def test_folders_that_can_not_be_packages_are_no_namespace(make: Make, below_src: str) -> None:
    assert loaded(make, {f"src/{below_src}": ""}).roots == (make({}),)


def test_a_flat_project_gets_the_folder_beside_its_modules(make: Make) -> None:
    config = loaded(make, {"main.py": APP, "steps.py": STEPS})

    assert config.app == "main:app"
    assert config.out == config.project / "_workflow"


def test_a_flat_app_beside_a_package_writes_where_the_steps_are(make: Make) -> None:
    config = loaded(make, {"main.py": APP, "shop/__init__.py": "", "shop/steps.py": STEPS})

    assert config.out == config.project / "shop" / "_workflow"


def test_the_frameworks_own_entry_point_wins_over_a_look_at_the_source(make: Make) -> None:
    files = {"pyproject.toml": '[tool.fastapi]\nentrypoint = "shop.other:api"\n', "shop/main.py": APP}

    assert loaded(make, files).app == "shop.other:api"


def test_conventional_names_win_over_others_and_tests_do_not_count(make: Make) -> None:
    files = {"admin.py": APP, "main.py": APP.replace("app =", "zulu = "), "tests/app.py": APP, "test_main.py": APP}

    assert loaded(make, files).app == "main:zulu"


def test_a_project_without_an_app_or_a_framework_is_no_error(make: Make) -> None:
    config = loaded(make, {"shop/__init__.py": "", "shop/steps.py": STEPS})

    assert (config.app, config.targets) == (None, ())


def test_a_dependency_is_enough_to_detect_the_target(make: Make) -> None:
    files = {
        "pyproject.toml": '[project]\nname = "x"\ndependencies = ["FastAPI[standard]>=0.115"]\n',
        "steps.py": STEPS,
    }

    assert loaded(make, files).targets == ("fastapi",)


def test_what_an_earlier_build_wrote_is_no_sign_of_a_framework(make: Make) -> None:
    files = {"shop/__init__.py": "", "shop/steps.py": STEPS, "shop/_workflow/fastapi.py": APP}

    config = loaded(make, files)

    assert (config.app, config.targets) == (None, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('root = ["src"]', "unknown key 'root'.*did you mean 'roots'"),
        ("out = 3", "'out'.*must be a string"),
        ('targets = "fastapi"', "'targets'.*must be a list of strings"),
        ("pure = [1]", "'pure'.*must be a list of strings"),
        ('roots = ["nowhere"]', "'nowhere', which is not a folder"),
        ('roots = [".."]', "outside of the project"),
    ],
)
def test_a_wrong_key_or_type_is_named_with_its_file(make: Make, text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=f"pyproject.toml.*{expected}"):
        loaded(make, table(text))


@pytest.mark.parametrize("text", ["[tool", '[tool]\nworkflow-build = "x"', "\x00"])
def test_a_broken_pyproject_is_named(make: Make, text: str) -> None:
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        loaded(make, {"pyproject.toml": text})


def test_a_missing_project_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        load(tmp_path / "nowhere", Flags())


def test_an_unknown_target_gets_a_suggestion(make: Make) -> None:
    with pytest.raises(UsageError, match="unknown target 'fastpi'; did you mean 'fastapi'"):
        loaded(make, {}, Flags(targets=("fastpi",)))


@pytest.mark.parametrize(
    "out", ["../..", "/etc", "/etc/../tmp/x", ".", "", "shop/../../x", "shop/-x", "my-shop", "shop/class", "a\0b"]
)
def test_an_output_folder_that_can_not_be_imported_from_the_project_is_refused(make: Make, out: str) -> None:
    with pytest.raises(UsageError, match=r"output folder|--out"):
        loaded(make, {"shop/__init__.py": ""}, Flags(out=out))


def test_a_link_that_leads_out_of_the_project_is_refused_as_output(
    make: Make, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = make({"shop/__init__.py": ""})
    (project / "shop" / "link").symlink_to(tmp_path_factory.mktemp("elsewhere"))

    with pytest.raises(UsageError, match="inside"):
        load(project, Flags(out="shop/link"))


@pytest.mark.parametrize(
    "app", ["shop.main", "shop/main.py:app", ":app", "shop.main:", "shop.main:make(1)", "a;b:c", ""]
)
def test_an_app_that_is_not_module_and_attribute_is_refused(make: Make, app: str) -> None:
    with pytest.raises(UsageError, match="module:attribute"):
        loaded(make, {}, Flags(app=app))
