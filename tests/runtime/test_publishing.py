"""Bundles in the world: found there when no package has them, and trusted only with the app's own signature."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workflow_runtime import publishing
from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.errors import WorkflowNotRegisteredError
from workflow_runtime.project import Project, register_project
from workflow_runtime.publishing import BundleRefused, find_bundle, signed_bundle, verified_bundle
from workflow_runtime.worlds.base import World

SECRET = "open sesame"
WORKFLOW = "workflow//published.orders//checkout"


def bundle(source: str = "async def checkout(): ...\n") -> Bundle:
    return Bundle(
        WORKFLOW, True, ("numbers",), (BundleModule("published.orders", "published/orders.py", False, source),)
    )


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has the secret, knows no project, and has asked for no bundle yet."""
    monkeypatch.setattr("workflow_runtime.project._projects", {})
    monkeypatch.setenv("WORKFLOW_SECRET", SECRET)
    monkeypatch.setattr(publishing, "_kept", {})


def test_what_is_signed_comes_back_as_it_was() -> None:
    for source in ("", "x = 'é 😀'\n", "\x00 \ud800\n"):
        made = bundle(source)
        assert verified_bundle(signed_bundle(made, SECRET), made.hash, SECRET) == made


def test_equal_bundles_give_equal_data() -> None:
    assert signed_bundle(bundle(), SECRET) == signed_bundle(bundle(), SECRET)


def test_any_altered_byte_is_refused() -> None:
    made = bundle()
    data = signed_bundle(made, SECRET)
    for index in range(len(data)):
        altered = data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
        with pytest.raises(BundleRefused):
            verified_bundle(altered, made.hash, SECRET)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}", b"workflow-bundle v1=\n{}", b"workflow-bundle v1=" + b"0" * 64 + b"\n{}"]
)
def test_data_without_a_good_signature_is_refused(data: bytes) -> None:
    with pytest.raises(BundleRefused):
        verified_bundle(data, bundle().hash, SECRET)


def test_a_bundle_that_is_well_signed_but_stands_under_another_hash_is_refused() -> None:
    other = bundle("async def checkout(): return 1\n")

    with pytest.raises(BundleRefused):
        verified_bundle(signed_bundle(other, SECRET), bundle().hash, SECRET)


def test_another_secret_is_refused_with_what_to_do() -> None:
    made = bundle()

    with pytest.raises(BundleRefused, match=r"WORKFLOW_SECRET.*the same secret"):
        verified_bundle(signed_bundle(made, "another"), made.hash, SECRET)


async def test_a_bundle_that_only_the_world_has_is_found_there(world: World) -> None:
    made = bundle()
    await world.put_bundle(made.hash, signed_bundle(made, SECRET))

    found, root = await find_bundle(world, WORKFLOW, made.hash)

    assert (found, root.is_dir()) == (made, True)


async def test_the_world_is_asked_once_for_a_bundle(world: World) -> None:
    made = bundle()
    await world.put_bundle(made.hash, signed_bundle(made, SECRET))
    await find_bundle(world, WORKFLOW, made.hash)
    await world.close()

    assert (await find_bundle(world, WORKFLOW, made.hash))[0] == made


async def test_the_root_is_that_of_the_project_that_the_workflow_was_part_of(world: World, tmp_path: Path) -> None:
    register_project(Project("published._workflow", tmp_path, "b", {}, (), {}))
    made = bundle()
    await world.put_bundle(made.hash, signed_bundle(made, SECRET))

    assert (await find_bundle(world, WORKFLOW, made.hash))[1] == tmp_path


async def test_a_package_that_has_the_bundle_goes_before_the_world(world: World, tmp_path: Path) -> None:
    made = bundle("async def checkout(): return 'here'\n")
    await world.put_bundle(made.hash, b"never looked at")
    register_project(Project("published._workflow", tmp_path, "b", {}, (), {made.hash: lambda: made}))

    assert await find_bundle(world, WORKFLOW, made.hash) == (made, tmp_path)


async def test_a_bundle_that_nobody_has_is_told_with_what_to_do(world: World) -> None:
    with pytest.raises(WorkflowNotRegisteredError, match=r"neither .* nor the world.*workflow-build publish"):
        await find_bundle(world, WORKFLOW, "0" * 16)


async def test_without_a_secret_no_bundle_of_the_world_is_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundle()
    await world.put_bundle(made.hash, signed_bundle(made, SECRET))
    monkeypatch.delenv("WORKFLOW_SECRET")

    with pytest.raises(WorkflowNotRegisteredError, match="set WORKFLOW_SECRET"):
        await find_bundle(world, WORKFLOW, made.hash)


async def test_an_altered_bundle_of_the_world_is_refused_each_time(world: World) -> None:
    made = bundle()
    head, _, content = signed_bundle(made, SECRET).partition(b"\n")
    evil = json.dumps(json.loads(content) | {"workflow": "workflow//evil//main"}).encode()
    await world.put_bundle(made.hash, head + b"\n" + evil)

    for _ in range(2):
        with pytest.raises(WorkflowNotRegisteredError, match=rf"{made.hash} was refused: .*altered"):
            await find_bundle(world, WORKFLOW, made.hash)


async def test_a_bundle_that_was_altered_in_its_package_is_taken_from_the_world(world: World, tmp_path: Path) -> None:
    made, altered = bundle("async def checkout(): return 7\n"), bundle("async def checkout(): return 8\n")
    register_project(Project("published._workflow", tmp_path, "b", {}, (), {made.hash: lambda: altered}))

    with pytest.raises(WorkflowNotRegisteredError, match="was altered"):
        await find_bundle(world, WORKFLOW, made.hash)
    await world.put_bundle(made.hash, signed_bundle(made, SECRET))
    assert await find_bundle(world, WORKFLOW, made.hash) == (made, tmp_path)


async def test_a_run_that_never_had_a_bundle_is_told_apart(world: World) -> None:
    with pytest.raises(WorkflowNotRegisteredError, match="did not have its code"):
        await find_bundle(world, WORKFLOW, "")
