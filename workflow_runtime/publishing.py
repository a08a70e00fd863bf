"""Bundles in the world: how a run finds the code that it started with after a deploy has left that code behind.

``workflow-build publish`` puts bundles there. Whoever can write to the world's storage could put code there too, so each is signed with the
secret that all processes of the app share, ``WORKFLOW_SECRET``, and none is looked at before its signature is found right.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.errors import WorkflowNotRegisteredError
from workflow_runtime.project import has_bundle, load_bundle, root_of
from workflow_runtime.worlds.base import World

SECRET = "WORKFLOW_SECRET"
"""The environment variable with the secret that the processes of an app share."""
_HEAD = (
    b"workflow-bundle v1="  # what is signed begins with it too, so that no other signature of ours can stand for one
)
_SIGNATURE_LENGTH = 64
_KEPT_LIMIT = 256

_kept: dict[str, Bundle] = {}
"""What this process has had from a world and found right."""


class BundleRefused(ValueError):
    """Data that is not the bundle that it should be; the message says why, and what to do."""


def signed_bundle(bundle: Bundle, secret: str) -> bytes:
    """What the world keeps of a bundle: a line with the signature, then the bundle as JSON. Equal bundles give equal data."""
    content = json.dumps(asdict(bundle), sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return _HEAD + _signature(secret, bundle.hash, content) + b"\n" + content


def verified_bundle(data: bytes, bundle_hash: str, secret: str) -> Bundle:
    """The bundle in ``data``. Raises ``BundleRefused`` when it is not signed with ``secret``, or is another bundle."""
    head, _, content = data.partition(b"\n")
    if not head.startswith(_HEAD) or len(head) != len(_HEAD) + _SIGNATURE_LENGTH:
        raise BundleRefused("it is not in the form that this version writes: publish it again, with this version")
    if not hmac.compare_digest(head.removeprefix(_HEAD), _signature(secret, bundle_hash, content)):
        raise BundleRefused(
            f"it is not signed with the {SECRET} of this process, or was altered since: give all processes, and the "
            "place where you publish, the same secret"
        )
    try:
        bundle = _read(json.loads(content))
    except (ValueError, TypeError, KeyError) as error:
        raise BundleRefused(f"it can not be read ({error!r}): publish it again, with this version") from error
    if bundle.hash != bundle_hash:
        raise BundleRefused(f"it is another bundle, {bundle.hash}: publish the right one again")
    return bundle


async def find_bundle(world: World, workflow: str, bundle_hash: str) -> tuple[Bundle, Path]:
    """The bundle with that hash, from an imported ``_workflow`` package or else from the world, and its project's root.

    What the world gave is kept in memory. Raises ``WorkflowNotRegisteredError`` when neither has it as it was made, and ``WorldError``.
    """
    if not bundle_hash:
        raise WorkflowNotRegisteredError(workflow, "a workflow started it in a process that did not have its code")
    spoiled: WorkflowNotRegisteredError | None = None
    if has_bundle(bundle_hash):
        try:
            return load_bundle(workflow, bundle_hash)
        except WorkflowNotRegisteredError as error:
            spoiled = error
    bundle = _kept.get(bundle_hash)
    if bundle is None:
        data = await world.bundle(bundle_hash)
        if data is None and spoiled is not None:
            raise spoiled
        bundle = _keep(_trusted(data, workflow, bundle_hash))
    return bundle, root_of(workflow)


def _keep(bundle: Bundle) -> Bundle:
    if len(_kept) >= _KEPT_LIMIT:
        _kept.clear()
    _kept[bundle.hash] = bundle
    return bundle


def _trusted(data: bytes | None, workflow: str, bundle_hash: str) -> Bundle:
    if data is None:
        raise WorkflowNotRegisteredError(
            workflow,
            f"neither an imported _workflow package nor the world has its bundle {bundle_hash}: deploy it with the code, "
            "or run workflow-build publish where it was built",
        )
    secret = os.environ.get(SECRET, "")
    if not secret:
        raise WorkflowNotRegisteredError(
            workflow,
            f"the world has its bundle {bundle_hash}, whose signature can not be checked: set {SECRET} in this process",
        )
    try:
        return verified_bundle(data, bundle_hash, secret)
    except BundleRefused as refused:
        raise WorkflowNotRegisteredError(
            workflow, f"the world's copy of its bundle {bundle_hash} was refused: {refused}"
        ) from refused


def _signature(secret: str, bundle_hash: str, content: bytes) -> bytes:
    signed = _HEAD + bundle_hash.encode() + b"\n" + content
    return hmac.digest(secret.encode(), signed, hashlib.sha256).hex().encode("ascii")


def _read(content: Mapping[str, Any]) -> Bundle:
    modules = tuple(BundleModule(**module) for module in content["modules"])
    return Bundle(content["workflow"], content["stateless"], tuple(content["pure"]), modules)
