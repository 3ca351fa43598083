"""A context of a kubeconfig: opened as a client, or what is wrong with it in one sentence."""

import logging
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import kubernetes.config
import yaml

_SCHEMES = ("http://", "https://")


def opened(kubeconfig: str, context: str, setting: str) -> Any:
    """A client of the context's cluster, or a text that says what is wrong; nothing is asked of the cluster.

    Args:
        kubeconfig: the path, as the settings have it.
        context: the context in it.
        setting: the setting that names the context, such as `cluster.context`.
    """
    path = Path(kubeconfig).expanduser()
    if problem := next(_problems(path, kubeconfig, context, setting), None):
        return problem
    with _said() as said:
        try:
            client = cast(Any, kubernetes.config).new_client_from_config(str(path), context=context)
        except kubernetes.config.ConfigException as error:
            reason = " ".join(str(error).split())
            return f"{setting}: {context} cannot be used: {reason}; `kubectl config get-contexts` shows them"
        except (yaml.YAMLError, ValueError, TypeError, AttributeError, OSError):
            # The client lets through whatever its reading stumbles over.
            return _unreadable(path)
        except ImportError as error:
            return f"{setting}: {context} is reached by a proxy that needs {error.name}, which is not here; use another"
    if said:
        # The client goes on without a token, and the cluster would only refuse.
        return f"{setting}: the program that gives {context} its tokens fails: {said[-1]}; run it yourself"
    # The client's own three retries would make an unreachable cluster take minutes.
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    return client


def _problems(path: Path, kubeconfig: str, context: str, setting: str) -> Iterator[str]:
    """What the client would stumble over, or go on without."""
    if not path.is_file():
        several = os.pathsep in kubeconfig
        remedy = "; name one file: `kubectl config view --flatten > one` writes a list into one" if several else ""
        yield f"cluster.kubeconfig: there is no file {path}{remedy}"
        return
    try:
        read: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, OSError):
        yield _unreadable(path)
        return
    if not isinstance(read, dict):
        yield _unreadable(path)
        return
    document = cast("dict[str, object]", read)
    found = _entry(document, "contexts", context, "context")
    if found is None:
        yield f"{setting}: {context} is not in {path}; `kubectl config get-contexts` shows those it has"
        return
    parts = {what: _entry(document, f"{what}s", found.get(what), what) for what in ("cluster", "user")}
    for what, part in parts.items():
        if part is None:
            yield f"{setting}: {context} names the {what} {found.get(what)!r}, which is not in {path}; correct it there"
    server = str((parts["cluster"] or {}).get("server", ""))
    if not server.startswith(_SCHEMES):
        yield f"{setting}: the address of {context} is {server!r}; use one with https:// in {path}"
    yield from _user_problems(parts["user"] or {}, context, setting, path)


def _user_problems(user: dict[str, Any], context: str, setting: str, path: Path) -> Iterator[str]:
    command = cast("dict[str, object]", user.get("exec") or {}).get("command")
    if command and shutil.which(str(command)) is None:
        yield f"cluster.kubeconfig: {context} gets its tokens from `{command}`, which is not on PATH; install it"
    if "auth-provider" in user:
        yield (
            f"{setting}: {context} logs in by an auth-provider, which Kubernetes has removed; write its entry anew with"
            " your provider's command (`gcloud container clusters get-credentials …`, `az aks get-credentials …`)"
        )
    token = str(user.get("token") or "")
    if not (token.isascii() and token.isprintable()):
        yield f"{setting}: the token of {context} has a character that no token has; copy it again into {path}"


def _entry(document: dict[str, object], key: str, name: object, what: str) -> dict[str, Any] | None:
    """An entry of one of a kubeconfig's lists."""
    listed: object = document.get(key)
    for item in cast("list[Any]", listed) if isinstance(listed, list) else []:
        if isinstance(item, dict) and cast("dict[str, Any]", item).get("name") == name:
            found = cast("dict[str, Any]", item).get(what)
            return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return None


def _unreadable(path: Path) -> str:
    return f"cluster.kubeconfig: {path} is not a kubeconfig; `kubectl config view --kubeconfig {path}` says more"


@contextmanager
def _said() -> Generator[list[str]]:
    """What the client logs of a program's failure, by its last line; it raises nothing then, and prints all."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written = [line.strip() for line in record.getMessage().splitlines() if line.strip()]
            lines.append(written[-1].removeprefix("exec: "))

    root, kept = logging.getLogger(), list[logging.Handler]([Kept(logging.ERROR)])
    before, root.handlers = root.handlers, kept
    try:
        yield lines
    finally:
        root.handlers = before
