"""The file that says what this platform is made of: `.slipway/platform.json`, with its reader and its writer.

The platform's Pulumi program writes the file with `dump`; the release program reads it with `load`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from slipway_release import fields
from slipway_release.choices import Delivery, Images, Rollback, Sync
from slipway_release.errors import RefusedError
from slipway_release.platform_types import MAIN, RELEASE_WORKFLOW, Environment, Helm, Platform, Service

PATH = ".slipway/platform.json"
"""Its path in the environment repository."""
DEFAULT_PATH = Path(__file__).parents[1] / "platform.json"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def load(path: Path = DEFAULT_PATH) -> Platform:
    """Read and check the file."""
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RefusedError(f"{path}: missing; the platform's `pulumi up` writes it") from None
    except ValueError as error:
        raise RefusedError(f"{path}: not JSON: {error}; restore it with the platform's `pulumi up`") from None
    return parse(fields.document(content, path.name))


def parse(source: fields.Document) -> Platform:
    """The platform that a document describes."""
    where = "platform.json"
    registry = fields.child(source, "registry", where)
    argocd = fields.optional_document(source, "argocd") or {}
    owner, repository = fields.text(source, "owner", where), fields.text(source, "environmentRepository", where)
    return Platform(
        owner=owner,
        environment_repository=repository.rpartition("/")[2],
        api_url=fields.text(source, "apiUrl", where).rstrip("/"),
        server_url=fields.text(source, "serverUrl", where).rstrip("/"),
        registry_host=fields.text(registry, "host", f"{where}.registry"),
        registry_insecure=registry.get("insecure") is True,
        image_platforms=fields.texts(registry, "platforms", f"{where}.registry"),
        attestations=registry.get("attestations") is True,
        sbom=registry.get("sbom") is True,
        environments=tuple(
            _environment(item, f"{where}.environments[{index}]")
            for index, item in enumerate(fields.documents(source.get("environments"), f"{where}.environments"))
        ),
        services=tuple(
            _service(item, owner, f"{where}.services[{index}]")
            for index, item in enumerate(fields.documents(source.get("services"), f"{where}.services"))
        ),
        argocd_login=fields.optional_text(argocd, "login"),
        argocd_url=fields.optional_text(argocd, "url"),
        infrastructure_kinds=fields.texts(source, "infrastructureKinds", where),
        kubernetes_version=fields.optional_text(source, "kubernetesVersion"),
        api_versions=fields.texts(source, "apiVersions", where),
        helm=_helm(fields.optional_document(source, "helm"), f"{where}.helm"),
        slipway_version=fields.optional_text(source, "slipwayVersion"),
    )


def _helm(source: fields.Document | None, where: str) -> Helm | None:
    if source is None:
        return None
    checksums = fields.optional_document(source, "checksums") or {}
    return Helm(fields.text(source, "version", where), {name: str(text) for name, text in checksums.items()})


def _environment(source: fields.Document, where: str) -> Environment:
    return Environment(
        name=_name(source, where),
        sync=fields.choice(source, "sync", Sync, where),
        images=fields.choice(source, "images", Images, where),
        branch=fields.optional_text(source, "branch"),
        delivery=fields.choice(source, "delivery", Delivery, where),
        target_branch=fields.optional_text(source, "targetBranch") or MAIN,
        rollback=fields.choice(source, "rollback", Rollback, where),
        tag_prefix=fields.optional_text(source, "tagPrefix"),
        prereleases=source.get("prereleases") is True,
        requires=fields.texts(source, "requires", where),
        verification_deadline_seconds=fields.number(source, "verificationDeadlineSeconds", where),
        url=fields.optional_text(source, "url"),
        approval=source.get("approval") is True,
        approvers=fields.texts(source, "approvers", where),
        freezers=fields.texts(source, "freezers", where),
        kinds=fields.texts(source, "kinds", where),
        sync_windows=fields.optional_text(source, "syncWindows"),
        image_sources=fields.texts(source, "imageSources", where),
        pod_security=fields.optional_text(source, "podSecurity"),
    )


def _name(source: fields.Document, where: str) -> str:
    """Names become paths, and cells of tables: a pull request may propose any."""
    name = fields.text(source, "name", where)
    if _NAME.fullmatch(name) is None:
        raise RefusedError(f"{where}.name: {name!r} is not a name; restore the file with the platform's `pulumi up`")
    return name


def _service(source: fields.Document, owner: str, where: str) -> Service:
    repository = fields.text(source, "repository", where)
    return Service(
        name=_name(source, where),
        repository=repository if "/" in repository else f"{owner}/{repository}",
        team=fields.optional_text(source, "team") or "",
        environments=fields.texts(source, "environments", where),
        image=fields.text(source, "image", where),
        release_workflow=fields.optional_text(source, "releaseWorkflow") or RELEASE_WORKFLOW,
        maintenance_branch=fields.optional_text(source, "maintenanceBranch"),
        holders={
            name: fields.texts(holders, name, f"{where}.holders")
            for holders in [fields.optional_document(source, "holders") or {}]
            for name in holders
        },
        values={
            name: fields.document(values, f"{where}.values.{name}")
            for name, values in (fields.optional_document(source, "values") or {}).items()
        },
    )


def dump(platform: Platform) -> str:
    """The text of the file; `parse` reads back the same platform."""
    content = {
        "slipwayVersion": platform.slipway_version,
        "owner": platform.owner,
        "environmentRepository": platform.environment_repository,
        "apiUrl": platform.api_url,
        "serverUrl": platform.server_url,
        "registry": {
            "host": platform.registry_host,
            "insecure": platform.registry_insecure,
            "platforms": list(platform.image_platforms),
            "attestations": platform.attestations,
            "sbom": platform.sbom,
        },
        "argocd": {"login": platform.argocd_login, "url": platform.argocd_url},
        "infrastructureKinds": list(platform.infrastructure_kinds),
        "kubernetesVersion": platform.kubernetes_version,
        "apiVersions": list(platform.api_versions),
        "helm": platform.helm and {"version": platform.helm.version, "checksums": dict(platform.helm.checksums)},
        "environments": [_environment_document(environment) for environment in platform.environments],
        "services": [_service_document(service) for service in platform.services],
    }
    return json.dumps(content, indent=2) + "\n"


def _environment_document(environment: Environment) -> dict[str, object]:
    return {
        "name": environment.name,
        "sync": environment.sync,
        "images": environment.images,
        "branch": environment.branch,
        "delivery": environment.delivery,
        "targetBranch": environment.target_branch,
        "rollback": environment.rollback,
        "tagPrefix": environment.tag_prefix,
        "prereleases": environment.prereleases,
        "requires": list(environment.requires),
        "verificationDeadlineSeconds": environment.verification_deadline_seconds,
        "url": environment.url,
        "approval": environment.approval,
        "approvers": list(environment.approvers),
        "freezers": list(environment.freezers),
        "kinds": list(environment.kinds),
        **({"syncWindows": environment.sync_windows} if environment.sync_windows else {}),
        "imageSources": list(environment.image_sources),
        **({"podSecurity": environment.pod_security} if environment.pod_security else {}),
    }


def _service_document(service: Service) -> dict[str, object]:
    return {
        "name": service.name,
        "repository": service.repository.rpartition("/")[2],
        "team": service.team,
        "environments": list(service.environments),
        "image": service.image,
        "releaseWorkflow": service.release_workflow,
        "maintenanceBranch": service.maintenance_branch,
        "holders": {name: list(teams) for name, teams in service.holders.items()},
        **({"values": dict(service.values)} if service.values else {}),
    }
