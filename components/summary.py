"""What a person wants to know after `pulumi up`: addresses, how to log in, what to do next."""

import pulumi

from manifests.model import ArgoCD, Settings, placement_name


def summary(settings: Settings, pull_request: pulumi.Output[str]) -> dict[str, pulumi.Input[object]]:
    """The outputs of the stack."""
    github = settings.github
    return {
        "environmentRepository": f"{github.owner_url}/{github.environment_repository}",
        "serviceRepositories": {service.name: settings.repository_url(service) for service in settings.services},
        "argocd": _argocd(settings.argocd),
        "applications": [placement_name(service, environment) for service, environment in settings.placements()],
        "pullRequest": pull_request,
        "next": pull_request.apply(lambda url: next_steps(settings, url)),
    }


def next_steps(settings: Settings, pull_request: str) -> list[str]:
    """What to do now, in order."""
    steps = [f"Review and merge {pull_request}, then run `pulumi up` again"] if pull_request else []
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
    return {
        "url": settings.url or forward,
        "user": "admin",
        "password": f"kubectl --namespace {namespace} get secret argocd-initial-admin-secret"
        " --output jsonpath='{.data.password}' | base64 --decode",
    }
