"""The platform of the selected stack."""

import pulumi

from components.platform import Platform
from components.providers import platform_providers
from stacks.preflight import adopting, check_surroundings
from stacks.secrets import read_secrets
from stacks.settings import read_settings

settings = read_settings()
secrets = read_secrets(settings)
check_surroundings(settings)
options = pulumi.ResourceOptions(providers=platform_providers(settings, secrets), transformations=adopting(settings))
for name, value in Platform(settings.stack, {"settings": settings, "secrets": secrets}, options).summary.items():
    pulumi.export(name, value)
