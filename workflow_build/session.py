"""One project, built as often as wanted: what one build found out serves the next, in this process or in a later one."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
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
from workflow_build.dependencies import fingerprint
from workflow_build.model import Config, Sources
from workflow_build.tree import Tree
from workflow_build.walk import Walk
from workflow_build.write import require_ours, retained_bundles

NO_FLAGS = Flags()
ALL = Options()

WORTH_SAVING = 200
"""So many files must have been read again for their stamps to be saved when there is nothing else to save."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A whole build, as it can be told again when neither the source nor the output has changed."""

    config: Config
    compiled: Compiled
    outputs: Mapping[str, str]
    """The digest of each written file, by path. Empty when the build was stopped."""
    bundles: tuple[str, ...]
    """The bundles in the output folder: older ones are listed in what is written."""


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
        self._basis: Config | None = None
        self._seen: str | None = None
        """The settings of the last build."""
        self._last: tuple[Config, Compiled] | None = None
        self._tree = Tree()
        self._memory = Memory()

    @property
    def problem(self) -> str | None:
        """Why the cache on disk is not, or not wholly, in use."""
        return self._store.problem if self._store else None

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that the last build has looked into."""
        return self._tree.folders

    def build(
        self,
        options: Options = ALL,
        changed: Collection[str] | None = None,
    ) -> Result:
        """Build once. Raises what ``build.build`` raises; only to check writes nothing, the cache included.

        ``changed`` are the paths of all files that have changed since the last build, if that is known.
        """
        self.is_new = True
        basis = configuration.basis(self.project, self._flags)
        self._begin(basis)
        out = self._output_folder(basis)
        self._look(basis, out, changed)
        done = self._finished(basis, out)
        files: Mapping[str, str] | None = None
        if done is not None:
            config, compiled = done.config, done.compiled
        else:
            config, sources = self._read(out)
            require_ours(config.out)
            # This brings the whole compiler, which a build with nothing to do goes without.
            from workflow_build.stages import compile_sources

            compiled, files = compile_sources(sources, config)
            self._tree.forget_results()
            self._memory.end_build()
        self.out = config.out
        result = finish(config, compiled, files, options)
        self._last = config, compiled
        if not options.only_check:
            self._keep(basis, config, compiled, files)
        return result

    def routes(self, options: Options) -> Callable[[threading.Event], Result]:
        """What reads the routes for the last build, on any thread, while others may follow; its event ends it early."""
        assert self._last is not None, "something was built"
        config, compiled = self._last
        return lambda stop: finish(config, compiled, None, replace(options, stop=stop))

    def close(self) -> None:
        """Let go of the cache."""
        if self._store:
            self._store.close()

    def _begin(self, basis: Config) -> None:
        """Open the cache; when the settings tell of other files than before, forget those."""
        if self._basis is None and self._uses_cache:
            self._store = Store(basis.project, tool_fingerprint())
            self._memory = Memory(self._store)
            self._tree.stamps = load_stamps(self._store.get("stamps", _key(basis)))
        elif self._basis is not None and self._basis != basis:
            self._tree, self.out = Tree(), None
        self._basis = basis

    def _look(self, basis: Config, out: str, changed: Collection[str] | None) -> None:
        """Bring the tree up to date, and find out whether anything is new."""
        settings, before = self._settings(basis), self._seen
        python = None if changed is None else [path for path in changed if not path.endswith("pyproject.toml")]
        if python is None or before is None or not self._tree.look_at(python):
            self._tree.look(_walk(basis, out))
        self._seen = settings
        self.is_new = before != settings or self._tree.is_new

    def _output_folder(self, basis: Config) -> str:
        """Where the output will go as far as is known: what is there is no source."""
        if self.out is not None and self._basis == basis:
            return os.fspath(self.out)
        known = None if basis.out_is_named or not self._store else self._store.get("out", self._settings(basis))
        return known if known else os.fspath(basis.out)

    def _read(self, out: str) -> tuple[Config, Sources]:
        """The settings and the files, which are those outside of the folder that the settings name."""
        config = configuration.load(self.project, self._flags, lambda _: self._tree.sources())
        if os.fspath(config.out) != out:
            self._tree.look(_walk(config, os.fspath(config.out)))
        return config, replace(self._tree.sources(), memory=self._memory)

    def _settings(self, basis: Config) -> str:
        """All that a build depends on besides the project's files and this tool: settings, and packages that bring steps."""
        try:
            text = (basis.project / "pyproject.toml").read_bytes()
        except OSError:
            text = b""
        known = [_key(basis), asdict(self._flags), fingerprint(basis.dependencies)]
        return hashlib.sha256(text + json.dumps(known).encode()).hexdigest()

    def _finished(self, basis: Config, out: str) -> Finished | None:
        """What an earlier build of the same files has told, if it left the output as it is now."""
        whole = self._tree.digest(out)
        text = self._store.get("build", f"{self._settings(basis)} {out} {whole}") if self._store and whole else None
        if text is None:
            return None
        try:
            done: Finished = codec.load(Finished, text)
        except codec.NotData:
            return None
        if done.compiled.stopped:
            return done
        is_same = (
            retained_bundles(done.config.out) == done.bundles
            and _digests(done.config.out, done.outputs) == done.outputs
        )
        return done if is_same else None

    def _keep(self, basis: Config, config: Config, compiled: Compiled, files: Mapping[str, str] | None) -> None:
        """Save what this build found out."""
        out, store = os.fspath(config.out), self._store
        if store is None:
            return
        if files is not None and (whole := self._tree.digest(out)) is not None:
            settings = self._settings(basis)
            outputs = {path: _digest(text.encode()) for path, text in files.items()}
            done = Finished(config, compiled, outputs, () if compiled.stopped else retained_bundles(config.out))
            store.put("out", settings, out)
            store.put("build", f"{settings} {out} {whole}", codec.dump(Finished, done))
        if files is not None or self._tree.read > WORTH_SAVING:
            store.put("stamps", _key(basis), self._tree.stamps.dump())
        store.save()


def _walk(config: Config, out: str) -> Walk:
    roots = [os.fspath(root) for root in config.roots]
    return Walk(os.fspath(config.project), roots, config.exclude, frozenset({out}))


def _key(basis: Config) -> str:
    return json.dumps([os.fspath(basis.project), *map(os.fspath, basis.roots), "", *basis.exclude])


def _digests(out: Path, paths: Mapping[str, str]) -> dict[str, str]:
    return {path: _digest(data) for path in paths if (data := _bytes(out / path)) is not None}


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
