"""What the page's forms do: cancel a run, resume a hook, run a failed run again."""

from __future__ import annotations

from urllib.parse import quote

from workflow_runtime import clock
from workflow_runtime.errors import RunNotFoundError, WorkflowError, WorldError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.ends import cancel, wake_up
from workflow_runtime.http import HttpResponse
from workflow_runtime.json_text import parse_json
from workflow_runtime.retrying.renewing import retry
from workflow_runtime.values import encode
from workflow_runtime.web.rendering import SECURITY, html, render
from workflow_runtime.web.request import Request
from workflow_runtime.web.site import Site

_DEPTH = 100
_REASON = 1000


async def answer(site: Site, request: Request) -> HttpResponse | None:
    """Do what the form asks for, and lead back to the run; None when there is no such form."""
    match request.parts:
        case ("runs", run_id, "cancel"):
            return await _cancel(site, request, run_id)
        case ("runs", run_id, "resume"):
            return await _resume(site, request, run_id)
        case ("runs", run_id, "retry"):
            return await _retry(site, request, run_id)
    return None


async def _cancel(site: Site, request: Request, run_id: str) -> HttpResponse | None:
    reason = request.form.get("reason", "").strip()[:_REASON] or None
    try:
        done = await cancel(site.world, run_id, reason)
    except RunNotFoundError:
        return None
    return _back(run_id, "cancelled" if done else "ended")


async def _resume(site: Site, request: Request, run_id: str) -> HttpResponse | None:
    """The payload is JSON, as the command takes it; an empty one is null."""
    text = request.form.get("payload", "").strip() or "null"
    try:
        payload = parse_json(text.encode("utf-8", "replace"), _DEPTH)
    except ValueError as error:
        said = f"The payload is no JSON: {error}. Text needs quotes around it."
        return _not_done(site, request, "Not sent", said, 400)
    hooks = await site.world.list_hooks(run_id)
    hook = next((one for one in hooks if one.hook_id == request.form.get("hook")), None)
    if hook is None:
        return _back(run_id, "no-hook")
    data = {"payload": encode(payload, where="payload"), "key": None}
    received = Event(EventKind.HOOK_RECEIVED, clock.now(), hook.hook_id, data)
    recorded = await site.world.record(run_id, received, sends=[wake_up(run_id)])
    return _back(run_id, "resumed" if recorded.landed else "no-hook")


async def _retry(site: Site, request: Request, run_id: str) -> HttpResponse | None:
    try:
        again = await retry(site.world, run_id, current_code=request.form.get("code") == "current")
    except RunNotFoundError:
        return None
    except WorldError:
        raise
    except WorkflowError as error:
        return _not_done(site, request, "Not retried", str(error), 409)
    return _back(again.id, "retried")


def _not_done(site: Site, request: Request, title: str, text: str, status: int) -> HttpResponse:
    page = render("alone", root=request.root, world=site.name, theme="", said="", bad=False, title=title, text=text)
    return html(request, page, status)


def _back(run_id: str, said: str) -> HttpResponse:
    return HttpResponse(
        303, {**SECURITY, "location": f"../{quote(run_id, safe='')}?said={said}", "cache-control": "no-store"}
    )
