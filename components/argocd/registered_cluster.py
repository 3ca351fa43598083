"""A cluster of an environment, made known to the Argo CD that deploys to it: what `argocd cluster add` does."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from manifests.argocd.labels import MANAGED_BY

ACCOUNT_NAMESPACE = "kube-system"
_TOKEN_TYPE = "kubernetes.io/service-account-token"
_LENGTH, _DIGEST_LENGTH = 40, 6
_ACCOUNT = "kubernetes.io/service-account.name"
_PARTNERS = {"app.kubernetes.io/part-of": "argocd", "argocd.argoproj.io/secret-type": "cluster"}


class RegisteredClusterArgs(TypedDict):
    """Which cluster, and where it is made known."""

    cluster: str
    """Its name in Argo CD."""
    server: str
    """The address at which Argo CD reaches it."""
    namespace: str
    """Argo CD's own namespace."""
    mark: str
    """What labels tell this stack's objects on the cluster from others by."""
    account: str
    """The name of Argo CD's account there."""
    provider: kubernetes.Provider
    """The way to the cluster."""


class RegisteredCluster(pulumi.ComponentResource):
    """A cluster that Argo CD deploys to, by an account of its own there."""

    secret: kubernetes.core.v1.Secret
    """What Argo CD knows it by; Applications come after it."""

    def __init__(self, name: str, args: RegisteredClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:index:RegisteredCluster", name, {}, opts)
        # A second object of the same name would be the first one, and go when that is deleted.
        there = pulumi.ResourceOptions(parent=self, provider=args["provider"], delete_before_replace=True)
        account_name, labels = args["account"], {MANAGED_BY: args["mark"]}
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": account_name, "namespace": ACCOUNT_NAMESPACE, "labels": labels},
            opts=there,
        )
        # What Argo CD may do there is what its AppProjects say; they allow a list of kinds in a list of namespaces.
        binding = kubernetes.rbac.v1.ClusterRoleBinding(
            f"{name}-rights",
            metadata={"name": account_name, "labels": labels},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            subjects=[{"kind": "ServiceAccount", "name": account_name, "namespace": ACCOUNT_NAMESPACE}],
            opts=there,
        )
        token = kubernetes.core.v1.Secret(
            f"{name}-token",
            metadata={
                "name": account_name,
                "namespace": ACCOUNT_NAMESPACE,
                "labels": labels,
                "annotations": {_ACCOUNT: account_name},
            },
            type=_TOKEN_TYPE,
            opts=pulumi.ResourceOptions.merge(there, pulumi.ResourceOptions(depends_on=[account, binding])),
        )
        self.secret = kubernetes.core.v1.Secret(
            f"{name}-secret",
            metadata={"name": cluster_secret(args["cluster"]), "namespace": args["namespace"], "labels": _PARTNERS},
            string_data={
                "name": args["cluster"],
                "server": args["server"],
                "config": pulumi.Output.secret(token.data).apply(connection),
            },
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.register_outputs({"name": args["cluster"]})


def known_as(cluster: str) -> str:
    """What resources of a cluster are called: its name in Argo CD, in the letters of Kubernetes.

    It is not the name of an environment, which may leave, or get another one before it.
    """
    text = re.sub(r"[^a-z0-9]+", "-", cluster.lower()).strip("-")[:_LENGTH].strip("-")
    digest = hashlib.sha256(cluster.encode()).hexdigest()[:_DIGEST_LENGTH]
    return text if text == cluster else f"{text}-{digest}".strip("-")


def cluster_secret(cluster: str) -> str:
    """The name of the Secret by which Argo CD knows a cluster."""
    return f"cluster-{known_as(cluster)}"


def connection(data: Mapping[str, str]) -> str:
    """How Argo CD logs in, as its cluster Secrets have it, from what Kubernetes put into an account's token Secret."""
    content = {
        "bearerToken": base64.b64decode(data["token"]).decode(),
        "tlsClientConfig": {"insecure": False, "caData": data["ca.crt"]},
    }
    return json.dumps(content)
