"""What is made of each GitHub App, and what is still to do; knows no page."""

import json
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import TypeAdapter, ValidationError

from components.github.api import GitHubApi
from components.github.apps import ROLES, AppRole
from components.github.credentials import Anonymous, AppItself
from components.github.errors import GitHubError
from manifests.model import GitHub
from stacks.stack_file import StackFile, StackFileError

PATIENCE_SECONDS = 20
_READ = frozenset({"owner", "baseUrl", "pinnedActions"})
_NAMES = {"app": "slipway"}
"""What an App is called after the owner, where that is not its role."""


class State(Enum):
    """How far an App is."""

    MISSING = "missing"
    MADE = "made"
    READY = "ready"


class AppMaker:
    """Makes the Apps of a stack one by one."""

    def __init__(self, file: StackFile, roles: Sequence[AppRole], tell: Callable[[str], None]) -> None:
        """Reads whose Apps they are.

        Args:
            file: the stack's file; `github.owner` has to be in it, ids need not.
            roles: which Apps.
            tell: told what was done.

        Raises:
            StackFileError: owner or address are not in the file, or wrong.
        """
        self.roles: dict[str, AppRole] = {role.name: role for role in roles}
        self._file: StackFile = file
        self._tell: Callable[[str], None] = tell
        section = {key: value for key, value in file.section("github").items() if key in _READ}
        # Ids are what is made here; owner and address are read by the same rules as always.
        apps = {role.name: {"id": "0", "installationId": "0"} for role in ROLES}
        try:
            github = TypeAdapter(GitHub).validate_json(json.dumps(section | apps))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(["github", *(str(part) for part in first["loc"])])
            raise StackFileError(f"{file.path}: {place}: {first.get('ctx', {}).get('what', first['msg'])}") from None
        self._github: GitHub = github
        self.owner: str = github.owner
        self.base_url: str = github.base_url
        self._api: GitHubApi = GitHubApi(github.api_url, Anonymous(), deadline_seconds=PATIENCE_SECONDS)
        self._pages: dict[str, str] = {}

    def states(self) -> dict[str, State]:
        """How far each App is, by the name of its role."""
        section = self._file.section("github")
        return {name: self._state(role, section.get(name) or {}) for name, role in self.roles.items()}

    def manifest(self, name: str, back: str) -> str:
        """What GitHub makes the App from, as JSON; `back` is where its answer goes."""
        return json.dumps(
            {
                "name": f"{self.owner}-{_NAMES.get(name, name)}",
                "url": f"{self.base_url}{self.owner}",
                "redirect_url": back,
                "public": False,
                "hook_attributes": {"url": f"{self.base_url}{self.owner}", "active": False},
                "default_permissions": self.roles[name].needs(self._github),
                "default_events": [],
            }
        )

    def form_url(self, state: str) -> str:
        """Where the browser sends a manifest."""
        return f"{self.base_url}organizations/{quote(self.owner)}/settings/apps/new?{urlencode({'state': state})}"

    def install_url(self, name: str) -> str:
        """Where the App is installed."""
        return (
            f"{self._pages[name]}/installations/new"
            if name in self._pages
            else f"{self.base_url}settings/installations"
        )

    def made(self, name: str, code: str) -> None:
        """Takes the App that GitHub has made: its key and its id go into the stack.

        Raises:
            GitHubError: GitHub does not know the code, or it is older than an hour.
            StackFileError: the pulumi CLI refuses.
        """
        role = self.roles.get(name)
        if role is None:
            return
        path = f"/app-manifests/{quote(code, safe='')}/conversions"
        try:
            app = self._api.post(path, {})
        except GitHubError as error:
            # The path is not shown: who has the code has the key.
            reason = "it makes no App of this code; codes last an hour and work once; press the button again"
            if not error.status:
                reason = f"{self.base_url} does not answer; try again"
            raise GitHubError(f"POST /app-manifests: {reason}", error.status) from None
        self._file.set_secret(role.secret, app["pem"])
        self._file.set_text(f"{role.setting}.id", str(app["id"]))
        self._file.set_text(f"{role.setting}.slug", str(app["slug"]))
        # What was there is another App's.
        self._file.set_text(f"{role.setting}.installationId", "0")
        self._pages[name] = str(app["html_url"])
        self._tell(f"{role.setting}: App {app['id']} is made ({app['html_url']}); its key is {role.secret}")

    def look_for_installations(self) -> None:
        """Notes where Apps have been installed since."""
        for name, state in self.states().items():
            if state is not State.MADE:
                continue
            role = self.roles[name]
            number = str(self._file.section("github")[name]["id"])
            asking = self._api.acting_as(AppItself(number, self._file.secret(role.secret)))
            if name not in self._pages:
                self._pages[name] = str(asking.get("/app")["html_url"])
            found = asking.find(f"/orgs/{self.owner}/installation")
            if found is not None:
                self._file.set_text(f"{role.setting}.installationId", str(found["id"]))
                self._tell(f"{role.setting}: it is installed ({found['id']})")

    def _state(self, role: AppRole, section: dict[str, Any]) -> State:
        if not self._file.has(role.secret) or not section.get("id"):
            return State.MISSING
        return State.READY if str(section.get("installationId") or "0") != "0" else State.MADE
