"""A message in hand, the same for all worlds: what differs is who keeps the claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event
from workflow_runtime.worlds.base import Delivery, Log, Message, RunInfo
from workflow_runtime.worlds.encoding import EncodedRun, decode_data


@dataclass(frozen=True, slots=True)
class Claim:
    """One taking in hand of one message by one worker. No two claims are equal, so a claim that was lost can do no harm."""

    message_id: str
    owner: str
    number: int
    limited: bool = field(default=False, compare=False)
    """Whether the message has a limit, in which there may be room once the claim is given up."""


class ClaimKeeper(Protocol):
    """The world's side of a delivery. All methods do nothing, or answer False, when the claim no longer holds."""

    async def ack(self, claim: Claim) -> None:
        """Remove the message."""

    async def again(self, claim: Claim, after: float) -> None:
        """Hand the message back for ``after`` seconds from now."""

    async def extend(self, claim: Claim) -> bool:
        """Whether the claim still holds and the message's run goes on."""


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A ``Delivery``: a message with its claim and the world that keeps it."""

    message: Message
    count: int
    claim: Claim
    keeper: ClaimKeeper
    log: Log | None = field(default=None, compare=False, repr=False)
    """See ``Delivery``."""

    @property
    def receipt(self) -> str:
        """See ``Delivery``."""
        return f"{self.claim.number}.{self.claim.owner}"

    async def ack(self) -> None:
        """See ``Delivery``."""
        await self.keeper.ack(self.claim)

    async def again(self, after: float = 0.0) -> None:
        """See ``Delivery``."""
        await self.keeper.again(self.claim, after)

    async def extend(self) -> bool:
        """See ``Delivery``."""
        return await self.keeper.extend(self.claim)


def may_be_handed_over(run_id: str, message: Message) -> bool:
    """Whether the first message of a run may be given to a receiver as the run is created: only one that is plain and due."""
    return message == Message(message.id, run_id, trace=message.trace)


def log_of_new(run: RunInfo, new: EncodedRun) -> Log:
    """The log of a run that was just created, as ``World.load`` gives it."""
    event = new.created.event
    return Log(run, (Event(event.kind, event.time, event.entity, decode_data(new.created.data), 1),))


def claim_of(delivery: Delivery | None) -> Claim | None:
    """The claim behind a delivery that a world was given to ack. Raises ``WorldError`` when no world of ours made it."""
    if delivery is None:
        return None
    if not isinstance(delivery, HeldMessage):
        raise WorldError(f"can not ack {delivery!r}: pass the delivery that this world's receive() returned")
    return delivery.claim


def claim_by(message_id: str, receipt: str | None) -> Claim | None:
    """The claim that a receipt for the message names; None for what no world of ours has given."""
    number, _, owner = (receipt or "").partition(".")
    plain = number.isascii() and number.isdigit() and len(number) < 19 and owner.isascii() and owner.isprintable()
    return Claim(message_id, owner, int(number)) if plain else None
