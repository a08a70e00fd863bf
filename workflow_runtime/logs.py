"""Log lines that say which run and step they are from, and two ways to print them.

Everything goes through ``logging``. The runtime's own lines carry ``run_id``, ``workflow``, ``step``, ``step_id`` and ``attempt`` as attributes of
the record, as if given in ``extra``, and so do lines of workflow code. Lines of steps, and of what steps call, get them where a handler
has a ``RunFields`` filter: ``configure_logging`` makes such a handler, and a configuration of your own can name the filter. No line of
the runtime has a payload or a secret in it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, TextIO, TypeAlias, get_args

from workflow_runtime.machine.current import running_machine

Style: TypeAlias = Literal["text", "json"]
VARIABLE = "WORKFLOW_LOG"
"""The environment variable that chooses the style."""

_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


@dataclass(frozen=True, slots=True)
class LogFields:
    """What log lines say of where they are from; None for what is not known there."""

    run_id: str | None = None
    workflow: str | None = None
    """The workflow's id."""
    step: str | None = None
    """The id of the step's function."""
    step_id: str | None = None
    """The step's correlation id in its run."""
    attempt: int | None = None


_FIELDS = tuple(LogFields.__slots__)
_NOTHING = LogFields()
_current: ContextVar[LogFields] = ContextVar("workflow_runtime_log_fields", default=_NOTHING)


class log_fields:  # a class and in lower case, as contextlib's own are: its decorator costs more than what this does
    """Have all lines from inside of the context, its tasks and its threads included, carry these fields beside those from around."""

    __slots__ = ("_given", "_token")

    def __init__(
        self,
        *,
        run_id: str | None = None,
        workflow: str | None = None,
        step: str | None = None,
        step_id: str | None = None,
        attempt: int | None = None,
    ) -> None:
        self._given = (run_id, workflow, step, step_id, attempt)

    def __enter__(self) -> None:
        run_id, workflow, step, step_id, attempt = self._given
        around = _current.get()
        self._token = _current.set(
            LogFields(
                around.run_id if run_id is None else run_id,
                around.workflow if workflow is None else workflow,
                around.step if step is None else step,
                around.step_id if step_id is None else step_id,
                around.attempt if attempt is None else attempt,
            )
        )

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def current_fields() -> LogFields:
    """The fields of a line that is logged now and here."""
    machine = running_machine()
    if machine is not None:  # workflow code has a context of its own, which replay shares
        return LogFields(machine.run_id, machine.created.get("workflow"))
    return _current.get()


class RunFields(logging.Filter):
    """Lets every line through, with the run's fields as attributes. Attributes that a line has already stay as they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; True."""
        add_fields(record)
        return True


def add_fields(record: logging.LogRecord) -> None:
    """Give the record the fields that it lacks."""
    fields = current_fields()
    for name in _FIELDS:
        if getattr(record, name, None) is None:
            setattr(record, name, getattr(fields, name))


_RUN_FIELDS = RunFields()


def runtime_logger(name: str) -> logging.Logger:
    """A logger of the runtime's own: its lines carry the run's fields under any configuration."""
    logger = logging.getLogger(f"workflow_runtime.{name}")
    logger.addFilter(_RUN_FIELDS)
    return logger


class TextFormatter(logging.Formatter):
    """``2026-05-04 12:00:00.123 WARNING shop.orders: late again [checkout wrun_… charge step_000001 attempt 2]``, in local time."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, without traceback."""
        line = super().formatMessage(record)
        fields = _fields_of(record)
        parts = [_name(fields.workflow), fields.run_id, _name(fields.step), fields.step_id]
        if fields.attempt is not None:
            parts.append(f"attempt {fields.attempt}")
        place = " ".join(part for part in parts if part)
        return f"{line} [{place}]" if place else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (UTC), ``level``, ``logger``, ``message``, the run's fields that are known, ``exception`` and ``stack`` where
    there is one, and what the line's own ``extra`` gives, as text where JSON has no such type.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in asdict(_fields_of(record)).items() if value is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        own = {name: value for name, value in vars(record).items() if name not in _STANDARD and name not in _FIELDS}
        return json.dumps({**own, **line}, ensure_ascii=False, default=str, skipkeys=True)


_FORMATTERS = {"text": TextFormatter, "json": JsonFormatter}


def configure_logging(
    style: Style | None = None, *, level: int | str = logging.INFO, stream: TextIO | None = None
) -> None:
    """Print the lines of all loggers, from ``level`` on, to ``stream`` (standard error), with the run's fields.

    ``style`` is ``text`` or ``json``; when it is not given, ``WORKFLOW_LOG`` says, else ``text``. Called again, it replaces what it did before, and
    leaves the handlers of others alone. Raises ``ValueError`` for a style that is neither. A worker of its own (``python -m workflow_runtime
    worker``) calls it; in a web app the app decides.
    """
    chosen = style or os.environ.get(VARIABLE) or "text"
    if chosen not in get_args(Style):
        where = "style" if style else VARIABLE
        raise ValueError(f"{where} is {chosen!r}, but must be one of {', '.join(get_args(Style))}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_FORMATTERS[chosen]())
    handler.addFilter(_RUN_FIELDS)
    handler.set_name(__name__)
    root = logging.getLogger()
    for former in [one for one in root.handlers if one.get_name() == __name__]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)


def _fields_of(record: logging.LogRecord) -> LogFields:
    return LogFields(**{name: getattr(record, name, None) for name in _FIELDS})


def _name(function: str | None) -> str | None:
    """``charge`` for ``step//shop.payments//charge``."""
    return function.rpartition("//")[2] if function else None
