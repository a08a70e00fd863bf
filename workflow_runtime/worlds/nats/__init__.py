"""The NATS JetStream world; see ``docs/nats.md``."""

from __future__ import annotations

from workflow_runtime.worlds.nats.options import NatsOptions, read_url
from workflow_runtime.worlds.nats.world import NatsWorld

__all__ = ["NatsOptions", "NatsWorld", "read_url"]
