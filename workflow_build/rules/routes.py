"""The rules about the app and its routes. Those that reading an app can show have examples: modules ``shop/main.py``."""

from __future__ import annotations

from workflow_build.model import Severity
from workflow_build.rules.rule import Rule

_MOUNTED = """
from fastapi import FastAPI
from shop._workflow.fastapi import mount

app = FastAPI()
mount(app)
"""

NOT_MOUNTED = Rule(
    code="WB501",
    title="the app does not mount the workflow routes",
    message="the app does not mount the workflow routes",
    hint="add these lines where the app is made:\n  {lines}",
    why="Without them no worker runs in the app, and no queue can push to it: runs would be recorded and never go on.",
    valid=(_MOUNTED,),
    invalid=(
        """
from fastapi import FastAPI

app = FastAPI()
""",
    ),
)

MOUNTED_TWICE = Rule(
    code="WB502",
    title="the workflow routes are mounted more than once",
    message="the workflow routes are mounted {count} times: {places}",
    hint="keep one mount; a queue is pointed at the first",
    why="Both would work, but each is a way in from outside, and only one is meant.",
    valid=(_MOUNTED,),
    invalid=(
        """
from fastapi import FastAPI
from shop._workflow.fastapi import mount, router

app = FastAPI()
mount(app)
app.include_router(router, prefix="/api")
""",
    ),
    severity=Severity.WARNING,
)

OUT_OF_REACH = Rule(
    code="WB503",
    title="a request does not reach the workflow routes",
    message="{problem}",
    hint="{advice}",
    why="The framework's table has the routes, but a request for their path is answered by something else.",
    valid=(_MOUNTED,),
    invalid=(
        """
from fastapi import FastAPI
from shop._workflow.fastapi import mount

app = FastAPI()

@app.post("/{path:path}")
async def anything(path: str) -> str:
    return path

mount(app)
""",
    ),
)

WRONG_METHOD = Rule(
    code="WB504",
    title="a workflow route is mounted for the wrong method",
    message="{path} is mounted for {methods}, but needs {method}",
    hint="use mount(app), which sets the methods itself",
    why="Requests with the method that is needed would be answered with 405.",
    valid=(_MOUNTED,),
    invalid=(
        """
from fastapi import FastAPI
from shop._workflow.fastapi import flow, mount

app = FastAPI()
app.get("/.well-known/workflow/v1/flow")(flow)
""",
    ),
)

UNCONFIRMED = Rule(
    code="WB505",
    title="a workflow route could not be confirmed",
    message="{path} could not be confirmed: {what}",
    hint="{advice}",
    why="The routes are where the framework says. Whether a request gets there was asked by one request inside of the process, and that had no clear answer.",
    valid=(_MOUNTED,),
    invalid=(
        """
from fastapi import FastAPI
from shop._workflow.fastapi import router

app = FastAPI()
app.include_router(router, prefix="/{tenant}")
""",
    ),
    severity=Severity.WARNING,
)

LIFESPAN_NOT_RUN = Rule(
    code="WB506",
    title="the workflow routes are in a mounted app, whose lifespan is not run",
    message="the workflow routes are in an app that is mounted under another at {path}, so no worker runs: runs will stay pending",
    hint="mount the outermost app; or run a worker of its own: python -m workflow_runtime worker {package}",
    why="The worker lives in the lifespan of the app that mounts the routes, and servers run the lifespan of the outermost app only.",
    valid=(_MOUNTED,),
    invalid=(
        """
from fastapi import FastAPI
from shop._workflow.fastapi import mount

inner = FastAPI()
mount(inner)
app = FastAPI()
app.mount("/inner", inner)
""",
    ),
    severity=Severity.WARNING,
)

NO_SUCH_APP = Rule(
    code="WB507",
    title="the app that is named does not exist",
    message="{problem}",
    hint="{advice}",
    why="The app is named as module:attribute, on the command line or as `app` under [tool.workflow-build].",
    valid=(),
    invalid=(),
)

APP_NOT_LOADED = Rule(
    code="WB510",
    title="the app can not be loaded",
    message="the app {app} {what}",
    hint="{state}; make the app importable, or leave its routes out: {command} --no-routes",
    why="To read the routes from the app's own table, the app is imported in a process of its own. What it needs for that "
    "(settings, services) must be there, or must not be needed while it is imported.",
    valid=(_MOUNTED,),
    invalid=(
        """
import os
from fastapi import FastAPI
from shop._workflow.fastapi import mount

DATABASE = os.environ["SHOP_DATABASE_THAT_IS_NOT_SET"]
app = FastAPI()
mount(app)
""",
    ),
)

NOT_AN_APP = Rule(
    code="WB511",
    title="what is named as the app is none",
    message="{subject} is {what}, which has no route table that {adapter}'s adapter can read",
    hint="{advice}",
    why="The routes are read from the object that your server serves.",
    valid=(_MOUNTED,),
    invalid=("app = {'not': 'an app'}\n",),
)

APP_TOO_SLOW = Rule(
    code="WB512",
    title="the app is not loaded in time",
    message="the app {app} was not loaded within {seconds} s",
    hint="do not start servers or wait for services while the module is imported; or give more time with --timeout",
    why="The build waits for the app only so long. The place is where it was when the time was over.",
    valid=(),
    invalid=(),
)

NO_APP = Rule(
    code="WB513",
    title="no app was found",
    message="no app was found, so the routes were not read",
    hint="name it with --app module:attribute, or `app` under [tool.workflow-build]; --no-routes leaves them out quietly",
    why="An app is found when the framework's own settings name it, or when a module makes it at its top level (`app = FastAPI()`).",
    valid=(),
    invalid=(),
    severity=Severity.HINT,
)

NO_TARGET = Rule(
    code="WB514",
    title="no web framework was detected",
    message="no web framework was detected, so no handler module is written",
    hint="name one with --target, or run a worker without a web app",
    why="A framework is detected in the project's dependencies, or when a module imports it.",
    valid=(),
    invalid=(),
    severity=Severity.HINT,
)

OUTPUT_CHOSEN = Rule(
    code="WB515",
    title="the output could go into several packages",
    message="the output goes into {chosen}, though {others} too",
    hint="name the folder if that is right or wrong: --out {example}, or `out` under [tool.workflow-build]",
    why="The output folder stands in one package, and the app imports it from there. Which one is a guess when several have workflows or steps.",
    valid=(),
    invalid=(),
    severity=Severity.HINT,
)

ROUTE_RULES = (
    NOT_MOUNTED,
    MOUNTED_TWICE,
    OUT_OF_REACH,
    WRONG_METHOD,
    UNCONFIRMED,
    LIFESPAN_NOT_RUN,
    NO_SUCH_APP,
    APP_NOT_LOADED,
    NOT_AN_APP,
    APP_TOO_SLOW,
    NO_APP,
    NO_TARGET,
    OUTPUT_CHOSEN,
)
