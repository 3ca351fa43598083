"""What a platform is made of: the typed settings that every builder and component shares.

Owns types, defaults and what can be said about one value alone. Reading them from Pulumi's configuration, and the
rules between parts, are in `stacks`.
"""

from manifests.model.argocd import (
    ArgoCD,
    Attestations,
    Cluster,
    Dns,
    Notifications,
    Registry,
    Sbom,
    SecretsBackend,
    SignOn,
    SignOnProvider,
)
from manifests.model.environment import (
    AUTOMATION,
    Admission,
    Delivery,
    Environment,
    Images,
    Quota,
    Removal,
    Rollback,
    Sync,
)
from manifests.model.github import ActionsPolicy, App, GitHub, OwnedFiles, Visibility
from manifests.model.names import Mark
from manifests.model.pull_requests import PULL_REQUESTS, PullRequests
from manifests.model.service import Service, Template
from manifests.model.settings import (
    EVERYTHING,
    RELEASE,
    REPOSITORY,
    TEAM,
    Settings,
    adoptable,
    adoptables,
    placement_name,
    template_of,
)
from manifests.model.team import Member, MemberRole, Team

__all__ = [
    "AUTOMATION",
    "EVERYTHING",
    "PULL_REQUESTS",
    "RELEASE",
    "REPOSITORY",
    "TEAM",
    "ActionsPolicy",
    "Admission",
    "App",
    "ArgoCD",
    "Attestations",
    "Cluster",
    "Delivery",
    "Dns",
    "Environment",
    "GitHub",
    "Images",
    "Mark",
    "Member",
    "MemberRole",
    "Notifications",
    "OwnedFiles",
    "PullRequests",
    "Quota",
    "Registry",
    "Removal",
    "Rollback",
    "Sbom",
    "SecretsBackend",
    "Service",
    "Settings",
    "SignOn",
    "SignOnProvider",
    "Sync",
    "Team",
    "Template",
    "Visibility",
    "adoptable",
    "adoptables",
    "placement_name",
    "template_of",
]
