"""Runs the program of a folder in its own process, for the engine that started this one; see `language_host`."""

import ast
import contextlib
import importlib
import os
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulumi.automation._server import LanguageServer


class LanguageHost(LanguageServer):
    """The SDK's own host of inline programs, given the program of a folder."""

    def __init__(self, engine: str) -> None:
        super().__init__(lambda: None)
        self._engine = engine
        self._ahead: threading.Thread | None = None

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        folder = Path(request.info.program_directory)
        # The engine gives its address to the process; the host of inline programs reads it from the arguments.
        request.args[:] = [self._engine]
        os.chdir(request.pwd or folder)
        if self._ahead is not None:
            self._ahead.join()
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        self.program = lambda: _run(folder)
        answer: Any = super().Run(request, context)  # pyright: ignore[reportUnknownMemberType]  # it has no types
        if answer.error:
            # It has been logged, and the engine would say it once more.
            answer.error, answer.bail = "", True
        return answer

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The engine asks before a refresh, and runs the program after it: meanwhile its modules are imported."""
        if self._ahead is None:
            folder = Path(request.info.program_directory)
            self._ahead = threading.Thread(target=import_ahead, args=(folder,), daemon=True)
            self._ahead.start()
        return super().GetRequiredPackages(request, context)  # pyright: ignore[reportUnknownMemberType]  # as below

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: ARG002, N802
        """`make install` has done it, from the lock file."""
        return iter(())


def import_ahead(folder: Path) -> None:
    """Imports the modules that a program imports at its top, as far as that goes.

    They declare what the program uses, and only the program itself reads settings: there are none yet. A module that
    fails is imported again when the program runs, which tells what is wrong with it.
    """
    with contextlib.suppress(Exception):
        program = ast.parse((folder / "__main__.py").read_bytes())
        sys.path.insert(0, str(folder))
        for statement in program.body:
            if isinstance(statement, ast.Import):
                for name in statement.names:
                    importlib.import_module(name.name)
            elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
                importlib.import_module(statement.module)


def _run(folder: Path) -> None:
    runpy.run_path(str(folder / "__main__.py"), run_name="__main__")
