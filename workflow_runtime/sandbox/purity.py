"""What workflow code may import, decided once: the compiler's checks and the sandbox's import both read these lists.

A module is pure when nothing that one would do with it in a workflow touches the outside or differs between two
replays. The lists are conservative: a module that is not on them is a placeholder in a workflow, and its use names the
step to move it to.
"""

from __future__ import annotations

from collections.abc import Collection

PURE_STDLIB: frozenset[str] = frozenset(
    {
        "__future__",
        "_collections_abc",
        "abc",
        "array",
        "base64",
        "binascii",
        "bisect",
        "builtins",
        "calendar",
        "cmath",
        "codecs",
        "collections",
        "colorsys",
        "contextlib",
        "contextvars",
        "copy",
        "csv",
        "dataclasses",
        "decimal",
        "difflib",
        "enum",
        "fnmatch",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "hmac",
        "html",
        "inspect",
        "ipaddress",
        "itertools",
        "json",
        "keyword",
        "logging",
        "math",
        "numbers",
        "operator",
        "pprint",
        "quopri",
        "re",
        "reprlib",
        "shlex",
        "statistics",
        "string",
        "stringprep",
        "struct",
        "textwrap",
        "token",
        "traceback",
        "types",
        "typing",
        "unicodedata",
        "urllib.parse",
        "warnings",
        "xml.sax.saxutils",
        "zlib",
        "zoneinfo",
    }
)
"""Standard modules that the sandbox serves as they are. A package covers its submodules, but for ``IMPURE_NAMES``."""

REPLACED_STDLIB: frozenset[str] = frozenset({"asyncio", "datetime", "random", "secrets", "time", "uuid"})
"""Standard modules for which the sandbox serves deterministic replacements."""

PURE_THIRD_PARTY: frozenset[str] = frozenset(
    {
        "annotated_types",
        "attr",
        "attrs",
        "cattrs",
        "more_itertools",
        "msgspec",
        "pydantic",
        "pydantic_core",
        "pydantic_extra_types",
        "sortedcontainers",
        "toolz",
        "typing_extensions",
        "typing_inspection",
    }
)
"""Packages that only compute, as far as a workflow would use them."""

PURE_NAMES: frozenset[str] = frozenset(
    {
        "io.BytesIO",
        "io.StringIO",
        "os.PathLike",
        "os.fspath",
        "pathlib.PurePath",
        "pathlib.PurePosixPath",
        "pathlib.PureWindowsPath",
        "sys.byteorder",
        "sys.float_info",
        "sys.int_info",
        "sys.intern",
        "sys.maxsize",
        "sys.maxunicode",
        "sys.version_info",
    }
)
"""The few pure names of modules that are not pure; the sandbox's placeholders serve them."""

IMPURE_NAMES: frozenset[str] = frozenset(
    {
        "asyncio.create_subprocess_exec",
        "asyncio.create_subprocess_shell",
        "asyncio.new_event_loop",
        "asyncio.open_connection",
        "asyncio.open_unix_connection",
        "asyncio.run",
        "asyncio.start_server",
        "asyncio.start_unix_server",
        "builtins.breakpoint",
        "builtins.input",
        "builtins.open",
        "codecs.open",
        "json.tool",
        "logging.FileHandler",
        "logging.config",
        "logging.handlers",
        "time.sleep",
    }
)
"""The few names of pure and replaced modules, and of the builtins, that workflow code may not use."""

SERVED: frozenset[str] = frozenset({"workflow_runtime"})
"""Always served."""


def is_pure(name: str, declared: Collection[str] = ()) -> bool:
    """Whether workflow code may use ``name``: a module or something in one, dotted and whole (``urllib.parse.quote``).

    ``declared`` are the packages or modules that the user declares pure; like those in the lists, each covers all in
    it.
    """
    prefixes = [name, *(name[:i] for i, char in enumerate(name) if char == ".")]
    if any(prefix in declared or prefix in SERVED for prefix in prefixes):
        return True
    if any(prefix in IMPURE_NAMES for prefix in prefixes):
        return False
    return any(prefix in pure for prefix in prefixes for pure in _PURE)


_PURE = (PURE_STDLIB, PURE_THIRD_PARTY, REPLACED_STDLIB, PURE_NAMES)
