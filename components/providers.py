"""The providers of a stack, built from its settings and never from the environment of who runs it."""

import pulumi
import pulumi_github as github
import pulumi_kubernetes as kubernetes
from pydantic import TypeAdapter

from components.argocd.installation import RELEASE_NAME
from components.argocd.registered_cluster import known_as
from components.github.files_provider import APP_KEY, GITHUB_KEY, TOKEN_KEY
from components.secrets import PlatformSecrets
from manifests.model import RELEASE, GitHub, Settings

_ACCESS = TypeAdapter(GitHub)
# What the provider does not look at would only make it show changes.
_NEEDED = {"owner", "base_url", "app", "promoter", "requester", "argocd"}


def platform_providers(settings: Settings, secrets: PlatformSecrets) -> list[pulumi.ProviderResource]:
    """The GitHub organisation, the files of its repositories, and the cluster."""
    return [
        github_provider(settings.github, secrets),
        FilesHost("files", settings.github, secrets),
        _kubernetes("kubernetes", settings, settings.cluster.context),
    ]


def github_provider(settings: GitHub, secrets: PlatformSecrets) -> github.Provider:
    """Acts on one organisation as an App or with a token."""
    app_auth: github.ProviderAppAuthArgs | None = None
    if settings.app is not None:
        app_auth = github.ProviderAppAuthArgs(
            id=settings.app.id,
            installation_id=settings.app.installation_id,
            pem_file=secrets.github_app_private_key or "",
        )
    return github.Provider(
        "github",
        owner=settings.owner,
        # The empty token and the address keep GITHUB_TOKEN and GITHUB_BASE_URL of the environment out.
        token=secrets.github_token or "",
        base_url="https://api.github.com/" if settings.base_url == "https://github.com/" else settings.base_url,
        app_auth=app_auth,
        write_delay_ms=settings.write_delay_milliseconds,
        # Without a pause there is nothing to pace, and requests may go side by side.
        parallel_requests=settings.write_delay_milliseconds == 0,
    )


class FilesHost(pulumi.ProviderResource):
    """What runs the provider of `CommittedFiles`.

    The default one of dynamic resources is switched off with all others, and it would be given every secret of the
    stack. This one is given what it signs requests with.
    """

    def __init__(self, name: str, settings: GitHub, secrets: PlatformSecrets) -> None:
        access = _ACCESS.dump_json(settings, by_alias=True, include=_NEEDED).decode()
        given: dict[str, pulumi.Input[str]] = {GITHUB_KEY: access}
        if secrets.github_token is not None:
            given[TOKEN_KEY] = secrets.github_token
        if secrets.github_app_private_key is not None:
            given[APP_KEY] = secrets.github_app_private_key
        super().__init__("pulumi-python", name, given)


def cluster_providers(settings: Settings) -> dict[str, kubernetes.Provider]:
    """The clusters of environments that do not run beside Argo CD, where the settings say how to reach them."""
    return {
        environment.name: _kubernetes(f"kubernetes-{environment.name}", settings, environment.context)
        for environment in settings.environments
        if environment.context is not None
    }


def registering_providers(settings: Settings) -> dict[str, kubernetes.Provider]:
    """The clusters that the platform makes known to Argo CD, by their names there.

    An environment's own will not do: it goes with the environment, and the cluster may have others.
    """
    return {
        cluster: _kubernetes(f"registering-{known_as(cluster)}", settings, environment.context)
        for cluster, environment in settings.registered_clusters().items()
        if environment.context is not None
    }


def _kubernetes(name: str, settings: Settings, context: str) -> kubernetes.Provider:
    """Acts on one context of one kubeconfig."""
    return kubernetes.Provider(
        name,
        # The provider expands `~`; done here, it would be a change for everybody who has another home directory.
        kubeconfig=settings.cluster.kubeconfig,
        context=context,
        enable_server_side_apply=True,
        # Otherwise a rotated pull secret is deleted first, and pods that start at that moment have none.
        enable_secret_mutable=True,
        # Objects have no import here: what exists is taken over while it is adopted, and at no other time.
        upsert_existing_objects=True if settings.adopts(RELEASE, RELEASE_NAME) else None,
    )
