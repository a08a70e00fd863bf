"""Going on when the storage fails for a moment: what a step has done is worth more than a quick answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.base import Delivery, UnstorableError, WorldClosedError

T = TypeVar("T")
logger = logging.getLogger("workflow_runtime.handler")

TRIES = 5
PAUSE = 0.2
"""Seconds after the first failure; twice as long after each further one."""
LONGEST_BACKOFF = 60.0


async def patiently(write: Callable[[], Awaitable[T]]) -> T:
    """Call ``write`` until it succeeds, a few times over a few seconds; then its ``WorldError`` gets out.

    It must be harmless to write again what was written although the answer was an error, as commits and records are.
    """
    for attempt in range(TRIES - 1):
        try:
            return await write()
        except UnstorableError:
            raise
        except WorldError as error:
            pause = PAUSE * 2**attempt
            logger.warning("the world did not take a write; again in %.1f s: %s", pause, error)
            await asyncio.sleep(pause)
    return await write()


async def hand_back(delivery: Delivery, pause: float) -> None:
    """Hand the message back, however long the storage fails: while a process that lives has it, its run is stuck. A world that was closed
    has nothing in hand.
    """
    backoff = PAUSE
    while True:
        try:
            return await delivery.again(pause)
        except WorldClosedError:
            return None
        except WorldError as error:
            logger.error("%s could not be handed back; again in %.1f s: %s", delivery.message.id, backoff, error)
            await asyncio.sleep(backoff)
            backoff = min(LONGEST_BACKOFF, backoff * 2)


async def goes_on(delivery: Delivery) -> bool:
    """``delivery.extend()``; a storage that fails for a moment is no reason to call steps off."""
    try:
        return await delivery.extend()
    except WorldError as error:
        logger.warning("the world did not say whether %s goes on: %s", delivery.message.id, error)
        return True
