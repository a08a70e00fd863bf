"""The world of many machines: a schema in a Postgres database. Needs the extra ``postgres``."""

from workflow_runtime.worlds.postgres.options import Options, options_of
from workflow_runtime.worlds.postgres.world import PostgresWorld

__all__ = ["Options", "PostgresWorld", "options_of"]
