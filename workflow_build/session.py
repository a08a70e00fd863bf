"""One project, built as often as wanted: what one build found out serves the next, in this process or in a later one."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

from workflow_build import config as configuration
from workflow_build.build import Options, Result, finish
from workflow_build.cache import codec
from workflow_build.cache.memory import Memory
from workflow_build.cache.stamps import load_stamps
from workflow_build.cache.store import Store
from workflow_build.cache.tool import tool_fingerprint
from workflow_build.compiled import Compiled
from workflow_build.config import Flags
from workflow_build.dependencies import fingerprint, installed, searched
from workflow_build.detect import settings_files, telling_environment
from workflow_build.finished import finished, keep, known
from workflow_build.model import Config, Sources
from workflow_build.telling import Tell
from workflow_build.tree import Tree
from workflow_build.walk import Walk
from workflow_build.write import Written, require_ours

NO_FLAGS = Flags()
ALL = Options()

WORTH_SAVING = 200
"""So many files must have been read again for their stamps to be saved when there is nothing else to save."""


class Session:
    """Builds of one project with one set of flags."""

    def __init__(self, project: Path, flags: Flags = NO_FLAGS, *, cache: bool = True) -> None:
        """Nothing is read yet. Without ``cache`` nothing is kept on disk, and nothing that is there is used."""
        self.project = project.resolve()
        self.out: Path | None = None
        """The output folder of the last build."""
        self.is_new = True
        """Whether the last build saw other files or settings than the one before."""
        self._flags = flags
        self._uses_cache = cache
        self._store: Store | None = None
        self._memory = Memory()
        self._tree = Tree()
        self._written = Written()
        self._basis: Config | None = None
        self._packages = ""
        """Tells the installed packages that bring steps from others."""
        self._settings = ""
        """All that the last build depended on besides the project's files and this tool."""
        self._last: tuple[Config, Compiled] | None = None
        self._unsaved: tuple[Config, Compiled, Mapping[str, str]] | None = None

    @property
    def problem(self) -> str | None:
        """Why the cache on disk is not, or not wholly, in use."""
        return self._store.problem if self._store else None

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that the last build has looked into."""
        return self._tree.folders

    def build(self, options: Options = ALL, changed: Collection[str] | None = None) -> Result:
        """Build once. Raises what ``build.build`` raises; only to check writes nothing, the cache included.

        ``changed`` are the paths of all files that have changed since the last build, if that is known: such a build saves nothing
        before ``close``.
        """
        with _collecting_no_garbage():
            options.tell("reading files")
            out = self._look(changed)
            done = known(self._store, self._key(out)) if self._store and changed is None else None
            files: Mapping[str, str] | None = None
            if done is not None:
                config, compiled = done.config, done.compiled
            else:
                config, compiled, files = self._compiled(out, options.tell)
            self.out, self._last = config.out, (config, compiled)
            try:
                result = finish(config, compiled, files, replace(options, written=self._written))
            finally:  # after the output, for which somebody waits
                self._tidy(is_compiled=files is not None)
        if not options.only_check:
            self._unsaved = (config, compiled, files) if files is not None else None
            if changed is None:
                self._save()
        return result

    def routes(self, options: Options) -> Callable[[threading.Event], Result]:
        """What reads the routes for the last build, on any thread, while others may follow; its event ends it early."""
        assert self._last is not None, "something was built"
        config, compiled = self._last
        return lambda stop: finish(config, compiled, None, replace(options, stop=stop))

    def close(self) -> None:
        """Save what is not saved yet, and let go of the cache."""
        if self._unsaved is not None:
            self._save()
        if self._store:
            self._store.close()

    def _look(self, changed: Collection[str] | None) -> str:
        """Bring the tree up to date, and find out whether anything is new. Gives the folder that the output will probably go to."""
        self.is_new = True
        basis = configuration.basis(self.project, self._flags)
        self._begin(basis)
        is_enough = (
            bool(changed) and all(path.endswith(".py") for path in changed or ()) and self._tree.look_at(changed or ())
        )
        if not is_enough:
            self._packages = fingerprint(self._installed(basis.dependencies))
        settings = self._settings_of(basis)
        self.is_new, self._settings = settings != self._settings, settings
        out = self._output_folder(basis)
        if not is_enough:
            self._tree.look(_walk(basis, out))
        self.is_new = self.is_new or self._tree.is_new
        return out

    def _begin(self, basis: Config) -> None:
        """Open the cache; when the settings tell of other files than before, forget those."""
        if self._basis is None and self._uses_cache:
            self._store = Store(basis.project, tool_fingerprint())
            self._memory = Memory(self._store)
            self._tree.stamps = load_stamps(self._store.get("stamps", _place(basis)))
        elif self._basis is not None and self._basis != basis:
            self._tree, self.out = Tree(), None
        self._basis = basis

    def _installed(self, names: Sequence[str]) -> Mapping[str, str]:
        """The files of packages that bring steps; not looked up again before something is installed."""
        key = json.dumps([names, searched()])
        text = self._store.get("packages", key) if self._store else None
        with suppress(*codec.NotData):
            found: Mapping[str, str] = codec.load(Mapping[str, str], text or "")
            return found
        fresh = installed(names)
        if self._store:
            self._store.put("packages", key, codec.dump(Mapping[str, str], fresh))
        return fresh

    def _settings_of(self, basis: Config) -> str:
        try:
            text = (basis.project / "pyproject.toml").read_bytes()
        except OSError:
            text = b""
        told = telling_environment(basis.project, os.environ) | settings_files(basis.project)
        more = json.dumps([_place(basis), asdict(self._flags), self._packages, told], sort_keys=True)
        return hashlib.sha256(text + more.encode()).hexdigest()

    def _output_folder(self, basis: Config) -> str:
        """Where the output will go as far as is known: what is there is no source."""
        if self.out is not None:
            return os.fspath(self.out)
        text = None if basis.out_is_named or not self._store else self._store.get("out", self._settings)
        with suppress(*codec.NotData):
            found: str = codec.load(str, text or "")
            return found
        return os.fspath(basis.out)

    def _key(self, out: str) -> str:
        """All that a build follows from. Never seen before when a file can not be read."""
        return f"{self._settings} {out} {self._tree.digest() or os.urandom(16).hex()}"

    def _compiled(self, out: str, tell: Tell) -> tuple[Config, Compiled, Mapping[str, str]]:
        # This brings the whole compiler, which a build with nothing to do goes without.
        from workflow_build.stages import compile_sources

        config, sources = self._read(out)
        require_ours(config.out)
        try:
            compiled, files = compile_sources(sources, config, tell)
        except BaseException:
            self._memory.give_build_up()
            self._tree.forget_results()
            raise
        return config, compiled, files

    def _tidy(self, *, is_compiled: bool) -> None:
        if is_compiled:
            self._memory.end_build()
            self._tree.forget_results()

    def _read(self, out: str) -> tuple[Config, Sources]:
        """The settings and the files, which are those outside of the folder that the settings name."""
        sources = replace(self._tree.sources(), memory=self._memory)
        config = configuration.load(self.project, self._flags, lambda _: sources)
        if os.fspath(config.out) != out:
            self._tree.look(_walk(config, os.fspath(config.out)))
            sources = replace(self._tree.sources(), memory=self._memory)
        return config, sources

    def _save(self) -> None:
        store, unsaved, basis = self._store, self._unsaved, self._basis
        self._unsaved = None
        if store is None or basis is None:
            return
        if unsaved is not None:
            out = os.fspath(unsaved[0].out)
            store.put("out", self._settings, codec.dump(str, out))
            keep(store, self._key(out), finished(*unsaved))
        if unsaved is not None or self._tree.read > WORTH_SAVING:
            store.put("stamps", _place(basis), self._tree.stamps_text())
        store.save()


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """A build makes millions of objects and nearly no cycles: looking for those takes half as long again as the build."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _walk(config: Config, out: str) -> Walk:
    roots = [os.fspath(root) for root in config.roots]
    return Walk(os.fspath(config.project), roots, config.exclude, frozenset({out}))


def _place(basis: Config) -> str:
    """Which files the stamps are of."""
    return json.dumps([os.fspath(basis.project), *map(os.fspath, basis.roots), "", *basis.exclude])
