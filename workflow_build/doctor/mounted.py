"""Whether the app mounts the handler, as the source and the last build tell, and whether it was seen to answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from workflow_build.adapters import load_adapter
from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_build.ignores import ignores_of
from workflow_build.mounting import Mount, mounts
from workflow_build.scan import scan
from workflow_build.write import CONFIG, read_manifest

CHECK = "routes"


def check_routes(patient: Patient) -> Finding | None:
    """What ``config.json`` says of the routes, and where it says nothing, the source; None for a project that has none."""
    targets = tuple(target for target in patient.config.targets if load_adapter(target).has_routes)
    if not targets:
        return None
    config = replace(patient.config, targets=targets)
    sources = scan(config)
    wanted = mounts(config, sources)
    missing = [mount for mount in wanted if mount.place and not mount.mounted_in]
    _, ignored = ignores_of(sources).applied(replace(mount.finding, location=mount.place) for mount in missing)
    routes = _read(patient)
    if any(route.get("kind") == "flow" for route in routes or ()):
        return _told(routes or (), () if ignored else missing)
    if ignored:
        return Finding(CHECK, Level.OK, f"{ignored[0].finding.message}, as a comment says that it need not")
    if missing or routes is not None:
        return _not_mounted(missing or wanted)
    if read_manifest(patient.config.out) is None:
        return None  # the check of the output says that nothing was built
    message = "no build has found our routes in the app: it was not read, or does not mount the handler"
    advice = "run workflow-build, which says what is missing; with --app module:attribute if the app is not found"
    return Finding(CHECK, Level.WARNING, message, advice)


def _read(patient: Patient) -> list[dict[str, object]] | None:
    """The routes that the last build found; None when none has looked for them."""
    try:
        content = json.loads((patient.config.out / CONFIG).read_text("utf-8"))
        return [dict(route) for route in content["routes"]]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _told(routes: Sequence[dict[str, object]], missing: Sequence[Mount]) -> Finding:
    paths = ", ".join(str(route.get("path")) for route in routes)
    if missing:
        return replace(
            _not_mounted(missing), message=f"a build found the routes at {paths}, but now no file mounts them"
        )
    unconfirmed = [str(route.get("path")) for route in routes if not route.get("confirmed")]
    if unconfirmed:
        message = f"no request has reached {', '.join(unconfirmed)}: something may stand before the app's routes"
        return Finding(CHECK, Level.WARNING, message, "run workflow-build routes to see what answers instead")
    return Finding(CHECK, Level.OK, f"the app answers at {paths}")


def _not_mounted(missing: Sequence[Mount]) -> Finding:
    """What the build says, with its lines."""
    first = missing[0]
    where = f" ({first.place.path}:{first.place.line})" if first.place else ""
    advice = "\n".join(dict.fromkeys(mount.finding.hint for mount in missing))
    return Finding(CHECK, Level.PROBLEM, f"{first.finding.message}{where}", advice)
