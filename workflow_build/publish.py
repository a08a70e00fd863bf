"""Publish: put a project's bundles into the world, signed, so that runs find their code after the next deploy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workflow_build.errors import BuildError, UsageError
from workflow_build.model import Config
from workflow_build.write import read_manifest, retained_bundles
from workflow_build.written_bundles import read_bundle
from workflow_runtime.bundles import Bundle
from workflow_runtime.publishing import BundleRefused, signed_bundle, verified_bundle
from workflow_runtime.worlds.base import World


@dataclass(frozen=True, slots=True)
class Published:
    """The hashes of what the world did not have yet, of what it had, and of what it had with another signature and has anew."""

    new: tuple[str, ...]
    known: tuple[str, ...]
    replaced: tuple[str, ...] = ()


def bundles_to_publish(config: Config) -> tuple[Bundle, ...]:
    """The bundles in the output folder, those of earlier builds included. Raises ``UsageError`` when nothing is built."""
    if read_manifest(config.out) is None:
        raise UsageError(f"{config.out} holds no build; run workflow-build first")
    return tuple(read_bundle(config.out, hash_) for hash_ in retained_bundles(config.out))


async def publish(world: World, bundles: Sequence[Bundle], secret: str, *, replace: bool = False) -> Published:
    """Store what the world lacks, and with ``replace`` what it has signed with another secret.

    Raises ``WorldError``, and ``BuildError`` when the world has something else in a bundle's place and keeps it.
    """
    new, known, replaced = [], [], []
    for bundle in bundles:
        found = await world.bundle(bundle.hash)
        if found is None:
            await world.put_bundle(bundle.hash, signed_bundle(bundle, secret))
            found = await world.bundle(bundle.hash)  # another may have come first
            new.append(bundle.hash)
        elif replace and not _is_right(bundle, found, secret):
            await world.put_bundle(bundle.hash, signed_bundle(bundle, secret), replace=True)
            found = await world.bundle(bundle.hash)
            replaced.append(bundle.hash)
        else:
            known.append(bundle.hash)
        _check(bundle, found, secret)
    return Published(tuple(new), tuple(known), tuple(replaced))


def _is_right(bundle: Bundle, data: bytes, secret: str) -> bool:
    try:
        verified_bundle(data, bundle.hash, secret)
    except BundleRefused:
        return False
    return True


def _check(bundle: Bundle, data: bytes | None, secret: str) -> None:
    try:
        verified_bundle(data or b"", bundle.hash, secret)
    except BundleRefused as refused:
        raise BuildError(
            f"the world has something else in the place of bundle {bundle.hash} ({bundle.workflow}), and keeps it: {refused}; after a change of "
            "the secret, publish with --replace"
        ) from refused
