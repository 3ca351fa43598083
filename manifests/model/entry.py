"""The settings about the way in: by what, and under which name, services are reached from outside of the cluster."""

import re
from typing import Annotated

from pydantic import AfterValidator

from manifests.model.base import model, placeholders, wrong
from manifests.model.names import Annotations, DnsLabel, ObjectName, object_name

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def _host(text: str) -> str:
    placeholders(text, "service", "environment")
    filled = text.replace("{service}", "service").replace("{environment}", "environment")
    # One that ends in a number is an address to those who read it, and neither Ingress nor HTTPRoute has those.
    if re.fullmatch(rf"({_LABEL}\.)*{_LABEL}", filled) is None or filled.rpartition(".")[2].isdigit():
        raise wrong(f"{text!r} is not a host name; expected one such as {{service}}.dev.example.com, without https://")
    return text


def _secret(text: str) -> str:
    placeholders(text, "service", "environment")
    object_name(text.replace("{service}", "service").replace("{environment}", "environment"))
    return text


Host = Annotated[str, AfterValidator(_host)]


@model
class Ingress:
    """An Ingress per service."""

    host: Host
    """The name under which a service answers; {service} and {environment} are filled in."""
    class_name: ObjectName | None = None
    """The IngressClass. Unset: the cluster's default one."""
    tls: bool = True
    """Whether it answers with https."""
    tls_secret: Annotated[str, AfterValidator(_secret)] | None = None
    """The Secret with the certificate; {service} is filled in. Unset: the controller's own certificate."""
    annotations: Annotations | None = None
    """Annotations of each Ingress, such as the issuer of certificates."""
    wait_for_address: bool = False
    """Whether a release is verified only once the controller has written an address, which many never do."""

    @property
    def url(self) -> str:
        """Where a service answers, with the placeholders."""
        return f"http{'s' if self.tls else ''}://{self.host}"


@model
class HttpRoute:
    """An HTTPRoute of the Gateway API per service."""

    host: Host
    """The name under which a service answers; {service} and {environment} are filled in."""
    gateway: ObjectName
    """The name of the Gateway."""
    gateway_namespace: DnsLabel
    """The namespace of the Gateway, which has to allow routes from the namespaces of services."""
    section_name: ObjectName | None = None
    """The Gateway's listener. Unset: all of its listeners."""
    tls: bool = True
    """Whether the listener answers with https."""

    @property
    def url(self) -> str:
        """Where a service answers, with the placeholders."""
        return f"http{'s' if self.tls else ''}://{self.host}"
