"""The platform of the selected stack."""

import pulumi

from components.platform import Platform, PlatformArgs
from components.providers import cluster_providers, platform_providers, registering_providers
from stacks.preflight import adopting, check_surroundings, recorded_commit, still_in_git, waited_for
from stacks.secrets import read_secrets
from stacks.settings import read_settings

settings = read_settings()
secrets = read_secrets(settings)
check_surroundings(settings)
options = pulumi.ResourceOptions(providers=platform_providers(settings, secrets), transformations=adopting(settings))
parts: PlatformArgs = {
    "settings": settings,
    "secrets": secrets,
    "invited": waited_for(settings),
    "leaving": still_in_git(settings),
    "clusters": cluster_providers(settings),
    "commit": recorded_commit(),
    "registering": registering_providers(settings),
}
for name, value in Platform(settings.stack, parts, options).summary.items():
    pulumi.export(name, value)
