"""The worker of `python-worker` on a real Redis: a message is done once, comes again, or is put aside."""

import importlib
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.images import catalog
from sandbox.images.cache import ImageCache
from sandbox.progress import Progress
from templates.service_template import service_template
from templates.starting_files import starting_files
from tests.argocd.starting import VARIABLES, write
from tests.ports import free_port

Worker = Callable[[str], Any]
"""A module of the worker by name."""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis, out of the image that the sandbox has built."""
    config = SandboxConfig.from_environment()
    supplies = catalog.Supplies(config, Progress(quiet=True))
    (image,) = (one for one in catalog.images(supplies) if one.name == catalog.REDIS)
    found = ImageCache(config.cache / "images").find(image)
    if found is None:
        pytest.skip("the image of Redis is not built yet; `make up` builds it")
    root = tmp_path_factory.mktemp("redis")
    for digest in found.contents[1:]:
        with tarfile.open(found.blob(digest)) as layer:
            wanted = [member for member in layer if ".so" in member.name or "/bin/redis-" in member.name]
            layer.extractall(root, [member for member in wanted if not member.linkname.startswith("/")])
    port = free_port()
    libraries = next(root.glob("usr/lib/*-linux-gnu*"))
    loader = next(libraries.glob("ld-linux-*.so.*"))
    command = [loader, "--library-path", libraries, root / "usr/bin/redis-server", "--port", str(port), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert any("Ready to accept" in line for line in process.stdout)
    yield f"redis://127.0.0.1:{port}"
    process.kill()
    process.communicate()


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """The modules of a worker as a team gets them."""
    write(dict(starting_files(service_template("python-worker"), {}, VARIABLES).files), tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name: importlib.import_module(f"worker.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "worker"]:
        del sys.modules[name]


def settings(worker: Worker, redis: str, queue: str, **changed: Any) -> Any:
    return worker("settings").Settings(redis, queue=queue, **{"retry_seconds": 0.0, **changed})


def test_a_message_is_done_once_by_whichever_worker_took_it(worker: Worker, redis: str) -> None:
    ask = worker("redis").Redis(redis)
    first, second = (worker("queue").queue(settings(worker, redis, "once", retry_seconds=60, name=n)) for n in "ab")
    ask("XADD", "once", "*", "body", "ö\r\n$5", "traceparent", "00-x")
    taken = first.take()
    assert (taken.content, taken.attempt) == ({"body": "ö\r\n$5", "traceparent": "00-x"}, 1)
    assert second.take() is None
    assert first.depth() == 1
    first.done(taken)
    assert first.depth() == 0


def test_what_a_dead_worker_held_comes_to_another_with_its_count(worker: Worker, redis: str) -> None:
    worker("redis").Redis(redis)("XADD", "died", "*", "body", "a")
    first, second = (worker("queue").queue(settings(worker, redis, "died", name=name)) for name in "ab")
    assert first.take().attempt == 1
    again = second.take()
    assert (again.content, again.attempt) == ({"body": "a"}, 2)


def test_what_fails_too_often_lies_aside_with_its_reason(worker: Worker, redis: str) -> None:
    ask = worker("redis").Redis(redis)
    ask("XADD", "broken", "*", "other", "a")
    told = settings(worker, redis, "broken")
    queue = worker("queue").queue(told)
    loop = worker("loop").Loop(told, queue, worker("work").handle)
    put_aside = queue.put_aside

    def last(*message: Any) -> None:
        put_aside(*message)
        loop.stopping.set()

    queue.put_aside = last
    loop.run()
    ((_, fields),) = ask("XRANGE", "broken-aside", "-", "+")
    assert fields == ["other", "a", "reason", "Unwanted: it has no `body`"]
    assert (queue.depth(), loop.ready) == (0, False)


def test_a_stream_that_was_deleted_is_made_again(worker: Worker, redis: str) -> None:
    ask = worker("redis").Redis(redis)
    queue = worker("queue").queue(settings(worker, redis, "gone"))
    assert queue.take() is None
    ask("DEL", "gone")
    with pytest.raises(worker("redis").RedisError, match="NOGROUP"):
        queue.take()
    ask("XADD", "gone", "*", "body", "a")
    assert queue.take().content == {"body": "a"}


def test_a_redis_that_is_away_is_named_without_its_password(worker: Worker) -> None:
    port = free_port()
    with pytest.raises(worker("redis").RedisError, match=r"^127\.0\.0\.1: ") as raised:
        worker("redis").Redis(f"redis://:hush@127.0.0.1:{port}")("PING")
    assert "hush" not in str(raised.value)
