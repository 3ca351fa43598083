"""A platform on a GitHub and a node of its own, which tests change as a person does: by settings and `pulumi up`."""

import base64
import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from sandbox.applications import Application, applications, wait_for_applications
from sandbox.cluster import Cluster
from sandbox.config import SandboxConfig
from sandbox.people import agree_to_settings
from sandbox.pulumi import operations
from sandbox.pulumi.operations import Run
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import Workspace
from sandbox.rehearsal import Rehearsal
from tests.docs.documented import documented

Values = dict[str, Any]
Change = Callable[[Values], None]


@dataclass
class Platform:
    """A platform, and the settings that it has now."""

    config: SandboxConfig
    place: Workspace
    settings: StackConfig

    @property
    def rehearsal(self) -> Rehearsal:
        return Rehearsal(self.config)

    def kubectl(self, *words: str) -> str:
        command = [str(self.config.commands / "kubectl"), "--kubeconfig", str(self.config.kubeconfig), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def github(self, method: str, path: str, **body: Any) -> Any:
        return self.rehearsal.github(method, path, body=body or None)

    def repositories(self) -> set[str]:
        """The repositories that are on GitHub, archived or not."""
        return {found["name"] for found in self.github("GET", "/orgs/acme/repos")}

    def state(self) -> list[Values]:
        """The resources that the stack holds."""
        return (self.place.open(self.settings).export_stack().deployment or {}).get("resources", [])

    def has(self, manifest: Values) -> bool:
        """Whether the cluster has an object; it has none of a kind that it does not know."""
        group, _, version = manifest["apiVersion"].rpartition("/")
        kind = f"{manifest['kind']}.{version}.{group}"
        namespace = manifest["metadata"].get("namespace", "default")
        found = self.kubectl("get", kind, manifest["metadata"]["name"], "--namespace", namespace, "--output", "name")
        return bool(found)

    def namespaces(self) -> set[str]:
        return {line.partition("/")[2] for line in self.kubectl("get", "namespaces", "--output", "name").split()}

    def identities(self, *kinds: str) -> set[str]:
        """The uids of all objects of some kinds: another one is another object, though its name be the same."""
        path = "jsonpath={.items[*].metadata.uid}"
        return set(self.kubectl("get", ",".join(kinds), "--all-namespaces", "--output", path).split())

    def secrets_in_the_cluster(self) -> str:
        """The contents of all Secrets, without the history that Helm keeps."""
        found = json.loads(self.kubectl("get", "secrets", "--all-namespaces", "--output", "json"))["items"]
        return "\n".join(
            base64.b64decode(value).decode(errors="replace")
            for secret in found
            if secret["type"] != "helm.sh/release.v1"
            for value in secret.get("data", {}).values()
        )

    def pull_password(self, namespace: str) -> str:
        """What the pods of a namespace pull with."""
        path = r"jsonpath={.data.\.dockerconfigjson}"
        shown = self.kubectl("get", "secret", "slipway-registry", "--namespace", namespace, "--output", path)
        (entry,) = json.loads(base64.b64decode(shown))["auths"].values()
        return entry["password"]

    def branch_files(self, branch: str) -> set[str]:
        tree = self.github("GET", f"/repos/acme/environments/git/trees/{branch}?recursive=1")
        return {entry["path"] for entry in tree["tree"]}

    @contextlib.contextmanager
    def unreachable_cluster(self) -> Generator[None]:
        """The cluster as one that is gone, for every program of this machine."""
        route = [f"{self.config.node_ip}/32"]
        subprocess.run(["ip", "route", "add", "prohibit", *route], check=True)
        try:
            yield
        finally:
            subprocess.run(["ip", "route", "delete", "prohibit", *route], check=True)

    def forget(self, name: str) -> None:
        """`pulumi state delete --target-dependents`, which asks a person which resource is meant."""
        state = json.loads(self.place.state_file(self.settings).read_text())
        (urn,) = [
            found["urn"] for found in state["checkpoint"]["latest"]["resources"] if found["urn"].endswith(f"::{name}")
        ]
        _, *words = documented("pulumi state delete --target-dependents").split()
        command = [str(self.config.commands / "pulumi"), *words, urn, "--yes"]
        environment = os.environ | {
            "SLIPWAY_SANDBOX_DIR": str(self.config.directory),
            "SLIPWAY_SANDBOX_NETWORK": self.config.network,
        }
        subprocess.run(command, env=environment, check=True, capture_output=True)

    def short(self) -> Values:
        """The settings by keys without their namespace."""
        return {key.removeprefix("slipway:"): deepcopy(value) for key, value in self.settings.values.items()}

    def edited(self, change: Change) -> StackConfig:
        """The settings with a change, which gets them without the namespace of their keys."""
        short = self.short()
        change(short)
        values = {f"slipway:{key}" if f"slipway:{key}" in self.settings.values else key: short[key] for key in short}
        return replace(self.settings, values=values)

    def apply(self, change: Change) -> Run:
        """Changes the settings; everything settles, and a second preview shows nothing.

        After a failure the settings are those of before, to which the next change brings the platform back.
        """
        before, self.settings = self.settings, self.edited(change)
        try:
            done = operations.up(self.place, self.settings)
            for pull_request in done.exports["pullRequests"]:
                agree_to_settings(self.rehearsal, pull_request, self.settings.values)
            if done.exports["pullRequests"]:
                operations.up(self.place, self.settings)
            self.settle()
        except BaseException:
            self.settings = before
            raise
        return done

    def adopt_everything(self) -> Run:
        """As `docs/adopt.md` has it: the list goes in for one update, and out again."""
        adopting = replace(self.settings, values=self.settings.values | {"slipway:adopt": ["everything"]})
        done = operations.up(self.place, adopting)
        after = operations.up(self.place, self.settings)
        assert {step.name for step in after.steps if step.operation == "update"} <= {"kubernetes"}
        self.settle()
        return done

    def wait(self) -> None:
        """Until every Application is Synced and Healthy."""
        with contextlib.closing(Cluster(self.config)) as cluster:
            wait_for_applications(cluster, lambda _text: None, committed=True)

    def settle(self) -> None:
        """Waits for the Applications; afterwards a preview shows nothing."""
        self.wait()
        again = operations.preview(self.place, self.settings)
        if again.changed:
            # The Kubernetes plugin may have waited for an object as it was before its own change, and kept that.
            again = operations.preview(self.place, self.settings, refresh=True)
        assert not again.changed, again.steps

    def applications(self) -> dict[str, Application]:
        with contextlib.closing(Cluster(self.config)) as cluster:
            return {found.name: found for found in applications(cluster)}
