"""Decisions about workflows are taken one after the other, in the order of what they are about."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.github import application, seed
from sandbox.github.actions import serving
from sandbox.github.actions.workflow_engine import WorkflowEngine
from tests.github.conftest import loopback, serve
from tests.github_actions.server import ADMIN, GitHub
from tests.github_actions.test_gates import LISTENS


def test_what_happened_while_a_workflow_was_off_starts_it_neither_then_nor_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = loopback()
    github = GitHub(tmp_path, listener.getsockname()[1], "")
    forge = application.create_forge(tmp_path / "github", github.url, run_workflows=False)
    people = [{"login": "slipway", "admin": True, "token": ADMIN}]
    seed.apply(forge, {"users": people, "organizations": [{"login": "acme", "members": {"slipway": "admin"}}]})
    engine = WorkflowEngine(forge)
    serving.serve(engine)
    engine.start()
    stop = serve(forge, listener)
    try:
        repository = github.repository("off", {".github/workflows/listens.yml": LISTENS})
        repository.call("PUT", "/actions/workflows/listens.yml/disable")
        free, asked = threading.Event(), threading.Event()

        def at_work() -> None:
            free.wait(120)

        def ask(question: Callable[[], object]) -> object:
            asked.set()
            return in_turn(question)

        engine.decisions.post(at_work)
        body = {"ref": "main", "environment": "dev/guestbook", "required_contexts": [], "auto_merge": False}
        repository.call("POST", "/deployments", body)
        enabling = threading.Thread(target=repository.call, args=("PUT", "/actions/workflows/listens.yml/enable"))
        in_turn = engine.decisions.ask
        monkeypatch.setattr(engine.decisions, "ask", ask)
        enabling.start()
        while enabling.is_alive() and not asked.wait(0.05):
            pass
        free.set()
        enabling.join()
        in_turn(lambda: None)  # everything before it is decided
        assert repository.runs("listens.yml") == []
    finally:
        stop()
