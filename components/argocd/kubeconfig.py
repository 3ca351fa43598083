"""A context of a kubeconfig: opened as a client, or what is wrong with it, each in one sentence."""

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import kubernetes.client
import kubernetes.config
import urllib3

from components.argocd import kubeconfig_file
from components.argocd.kubeconfig_context import context_problems, token_in
from components.argocd.kubeconfig_file import Kubeconfig


def opened(kubeconfig: str, context: str, setting: str) -> Any | list[str]:
    """A client of the context's cluster, or all that is wrong with it; nothing is asked of the cluster.

    Args:
        kubeconfig: the path, as the settings have it.
        context: the context in it.
        setting: the setting that names the context, such as `cluster.context`.
    """
    file = _file(kubeconfig)
    if isinstance(file, str):
        return [f"cluster.kubeconfig: {file}"]
    try:
        found = kubeconfig_file.load(file)
    except kubeconfig_file.UnreadableError as error:
        return [f"cluster.kubeconfig: {file}: {problem}" for problem in error.problems]
    if problems := [f"{setting}: {problem}" for problem in context_problems(found, context, file)]:
        return problems
    return _client(found, context, setting)


def _file(kubeconfig: str) -> Path | str:
    """The file, or why there is none."""
    try:
        path = Path(kubeconfig).expanduser()
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except (OSError, RuntimeError):
        return "it is not the path of a file; use one such as ~/.kube/acme"
    if is_folder:
        return f"{path} is a folder; name the file in it"
    if "://" in kubeconfig:
        return f"{kubeconfig} is an address; use the path of a file"
    if "$" in kubeconfig:
        return f"there is no file {path}; variables are not filled in, use ~ for the home directory"
    if os.pathsep in kubeconfig:
        return f"there is no file {path}; name one file: `kubectl config view --flatten > one` writes a list into one"
    return f"there is no file {path}"


def _client(found: Kubeconfig, context: str, setting: str) -> Any | list[str]:
    configuration = kubernetes.client.Configuration()
    with _said() as said:
        try:
            cast(Any, kubernetes.config).load_kube_config_from_dict(
                _document(found, context), context, client_configuration=configuration, persist_config=False
            )
        except kubernetes.config.ConfigException as error:
            return [
                f"{setting}: {context} cannot be used: {' '.join(str(error).split())}; correct it in the kubeconfig"
            ]
        except (ValueError, TypeError, AttributeError, LookupError, OSError):
            # The client lets through whatever its reading stumbles over.
            return [f"{setting}: {context} cannot be used; try it: `kubectl --context {context} version`"]
    if said:
        # The client goes on without a token, and the cluster would only refuse.
        return [f"{setting}: the program that gives {context} its tokens fails: {said[-1]}; run it yourself"]
    proxy = urlsplit(configuration.proxy or "")
    if proxy.username:
        login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        configuration.proxy_headers = urllib3.make_headers(proxy_basic_auth=login)
    try:
        client = cast(Any, kubernetes.client).ApiClient(configuration)
    except ImportError as error:
        return [f"{setting}: {context} is reached by a proxy that needs {error.name}, which is not here; use another"]
    # The client's own three retries would make an unreachable cluster take minutes.
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    return client


def _document(found: Kubeconfig, name: str) -> dict[str, Any]:
    """What the client needs of it; a token is read here, because the client would send the line break of its file."""
    document = found.model_dump(by_alias=True, exclude_unset=True)
    context = found.context(name)
    user = context and found.user_of(context)
    if user is not None and user.token_file and not user.token:
        for item in document["users"]:
            if context is not None and item.get("name") == context.user:
                item["user"]["token"] = token_in(user.token_file)
    return document


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
