"""What a person wants to know after `pulumi up`: addresses, how to log in, what to do next."""

from collections.abc import Sequence

import pulumi

from components.state import VERSION_OUTPUT
from manifests.model import ArgoCD, Settings, placement_name
from slipway_release.version import VERSION


def summary(settings: Settings, pull_requests: Sequence[pulumi.Output[str]]) -> dict[str, pulumi.Input[object]]:
    """The outputs of the stack.

    Args:
        settings: the stack's.
        pull_requests: the URL of the one that each repository waits for; empty where it waits for none.
    """
    github = settings.github
    waiting = pulumi.Output.all(*pull_requests).apply(lambda urls: [url for url in urls if url])
    return {
        VERSION_OUTPUT: VERSION,
        "environmentRepository": f"{github.owner_url}/{github.environment_repository}",
        "serviceRepositories": {service.name: settings.repository_url(service) for service in settings.services},
        "argocd": _argocd(settings.argocd),
        "applications": [placement_name(service, environment) for service, environment in settings.placements()],
        "pullRequests": waiting,
        "next": waiting.apply(lambda urls: next_steps(settings, urls)),
    }


def next_steps(settings: Settings, pull_requests: Sequence[str]) -> list[str]:
    """What to do now, in order."""
    steps = [f"Review and merge {' and '.join(pull_requests)}, then run `pulumi up` again"] if pull_requests else []
    if not settings.services:
        return [*steps, "Add a service under `slipway:services` and run `pulumi up`"]
    first = settings.services[0]
    return [
        *steps,
        f"Clone {settings.repository_url(first)} and change something by a pull request",
        "Release it: `git tag v0.1.0 && git push origin v0.1.0`",
        f"Watch it arrive: {settings.github.owner_url}/{settings.github.environment_repository}/deployments",
    ]


def _argocd(settings: ArgoCD) -> dict[str, str]:
    namespace = settings.namespace
    forward = (
        f"kubectl --namespace {namespace} port-forward service/argocd-server 8080:443, then https://localhost:8080/"
    )
    if settings.sso is not None and not settings.sso.admin:
        return {"url": settings.url or forward, "login": "single sign-on"}
    return {
        "url": settings.url or forward,
        "user": "admin",
        "password": f"kubectl --namespace {namespace} get secret argocd-initial-admin-secret"
        " --output jsonpath='{.data.password}' | base64 --decode",
    }
