"""The provider behind `CommittedFiles`; its credentials come from the stack's settings at run time."""

import json
import sys
import threading
from collections import defaultdict
from typing import Any, ClassVar, cast

from pulumi.dynamic import (
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pydantic import TypeAdapter

from components.github.api import GitHubApi
from components.github.credentials import AppKey, Token
from components.github.file_delivery import Delivered, FileDelivery
from components.github.tree import WantedFiles, recorded, wanted_record
from manifests.model import GitHub, OwnedFiles

Properties = dict[str, Any]

GITHUB_KEY = "slipway:github"
TOKEN_KEY = "slipway:githubToken"
APP_KEY = "slipway:githubAppPrivateKey"
UPDATE_SUBJECT = "Follow the settings of the platform"


class GitHubProvider(ResourceProvider):
    """A provider of a kind that the program itself implements through GitHub's API."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        """Reads whose GitHub it is and what to sign requests with."""
        if _is_plugin():
            # The plugin's servicer sends the traceback of an error to the user; its last line says all there is to say.
            sys.tracebacklimit = 0
        given = req.config.require(GITHUB_KEY)
        settings = TypeAdapter(GitHub).validate_json(given if isinstance(given, str) else json.dumps(given))
        if settings.app is None:
            credentials = Token(str(req.config.require(TOKEN_KEY)))
        else:
            key = str(req.config.require(APP_KEY))
            credentials = AppKey(settings.app.id, settings.app.installation_id, key)
        self._owner: str = settings.owner
        self._api: GitHubApi = GitHubApi(settings.api_url, credentials)


class FilesProvider(GitHubProvider):
    """Importable by name, so that the state holds a reference to it: no pickled code, no credential."""

    # Two writers of one repository would only make each other start again.
    _locks: ClassVar[defaultdict[str, threading.Lock]] = defaultdict(threading.Lock)

    def create(self, props: Properties) -> CreateResult:
        """Writes what is missing; what is there already, from an interrupted run for example, is left as it is."""
        delivered = self._deliver(props, {}, props["message"])
        return CreateResult(f"{self._owner}/{props['repository']}", _outputs(props, delivered, {}))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Looks at the owned paths as they are now."""
        found = self._delivery(props).read()
        if found is None:
            return ReadResult("", {})
        return ReadResult(id_, {**props, "blobs": recorded(found.tree, _keys(props, "blobs") | _keys(props, "paths"))})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compares what is declared with what was last seen."""
        if _olds.get("repository") != _news.get("repository"):
            return DiffResult(changes=True, replaces=["repository"])
        if not isinstance(_news.get("owned"), dict) or not isinstance(_news.get("seeded"), dict):
            return DiffResult(changes=True)  # unknown in a preview
        owned_differ = wanted_record(_files(_news, {})) != _olds.get("blobs")
        new_seeds = _keys(_news, "seeded") - _handled(_news, _olds)
        # Changes that wait in a pull request are looked for again: it may have been merged.
        return DiffResult(changes=owned_differ or bool(new_seeds) or bool(_olds.get("pull_request")))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Writes what changed in the settings or drifted in the repository."""
        return UpdateResult(_outputs(_news, self._deliver(_news, _olds, UPDATE_SUBJECT), _olds))

    def delete(self, _id: str, _props: Properties) -> None:
        """Leaves the files: they are the repository's history."""

    def _deliver(self, props: Properties, olds: Properties, subject: str) -> Delivered:
        message = f"{subject}\n\n{props['trailer']}"
        with self._locks[props["repository"]]:
            return self._delivery(props).deliver(_files(props, olds), message, OwnedFiles(props["changes"]))

    def _delivery(self, props: Properties) -> FileDelivery:
        return FileDelivery(self._api, self._owner, props["repository"])


def _files(props: Properties, olds: Properties) -> WantedFiles:
    return WantedFiles(
        owned=props["owned"],
        seeded=props["seeded"],
        executable=frozenset(props["executable"]),
        dropped=_keys(olds, "paths"),
        handled=_handled(props, olds),
    )


def _handled(props: Properties, olds: Properties) -> set[str]:
    """Seeds that are not written: they were once, or they are of a later version of what a team has made its own.

    A folder that is seeded as a whole has been once more than one of its files was: an empty repository's first commit
    brings one of them before the others are merged.
    """
    handled, seeded = _keys(olds, "handled"), _keys(props, "seeded")
    for folder in _keys(props, "whole"):
        if sum(path.startswith(folder) for path in handled) > 1:
            handled |= {path for path in seeded if path.startswith(folder)}
    return handled


def _outputs(props: Properties, delivered: Delivered, olds: Properties) -> Properties:
    """What is kept in the state: names and digests, not the contents a second time."""
    written = not delivered.pull_request
    paths = _keys(props, "owned") | (set[str]() if written else _keys(olds, "paths"))
    seeded = _keys(props, "seeded")
    return {
        "repository": props["repository"],
        "paths": sorted(paths),
        "blobs": recorded(delivered.tree, paths),
        # A seed that waits in a pull request has not been planted.
        "handled": sorted(seeded if written else (seeded & set(delivered.tree)) | _keys(olds, "handled")),
        "commit": delivered.commit,
        "pull_request": delivered.pull_request,
    }


def _keys(properties: Properties, name: str) -> set[str]:
    return set(cast(dict[str, str] | list[str], properties.get(name) or ()))


def _is_plugin() -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name.startswith("pulumi.dynamic")
