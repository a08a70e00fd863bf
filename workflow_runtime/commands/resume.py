"""``python -m workflow_runtime resume``: send a payload to a hook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.worlds.base import World

_EXAMPLES = """
resume approve:ord_1002 '{"approved": true}'

Exit codes: 0 the payload is stored, 1 no live hook has the token, 2 called wrongly.
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    from argparse import RawDescriptionHelpFormatter

    help = "send a payload to the hook with a token"
    parser = commands.add_parser(
        "resume", help=help, description=help, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("token", metavar="TOKEN", help="the hook's token, as inspect shows it")
    parser.add_argument("payload", nargs="?", default="null", metavar="JSON", help="what to send (null)")
    parser.add_argument("--key", help="of several payloads with the same key, a hook takes the first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Send it, and print whose hook it was; gives the exit code."""
    import json

    from workflow_runtime.commands.opened import NOT_FOUND, print_json, with_world

    try:
        payload = json.loads(options.payload)
    except ValueError as error:
        print(f"error: the payload is no JSON ({error}); text is written in quotes, as '\"yes\"'", file=sys.stderr)
        return 2

    async def work(_: World) -> int:
        from workflow_runtime.errors import HookNotFoundError
        from workflow_runtime.hooks import resume_hook

        try:
            resumed = await resume_hook(options.token, payload, key=options.key)
        except HookNotFoundError as error:
            print(f"error: {error}", file=sys.stderr)
            return NOT_FOUND
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        if options.json:
            print_json(run={"id": resumed.id}, token=options.token)
        else:
            print(resumed.id)
        return 0

    return with_world(work)
