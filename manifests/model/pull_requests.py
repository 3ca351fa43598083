"""The settings about environments for the pull requests of a service."""

from typing import Annotated

from pydantic import AfterValidator, Field

from manifests.model.addresses import UrlTemplate
from manifests.model.base import Line, model, placeholders, wrong
from manifests.model.environment import Quota
from manifests.model.names import DnsLabel

PULL_REQUESTS = "pull-requests"
"""What stands for an environment's name where the pull requests of a service run."""


def _url(text: str) -> str:
    if "number" not in placeholders(text, "service", "number"):
        raise wrong(f"{text!r} is one address for all pull requests; put {{number}} into the name of the host")
    return text


def _label(text: str) -> str:
    if "," in text or len(text) > 50:
        raise wrong(f"{text!r} is not a label of GitHub; use at most 50 characters without commas")
    return text


@model
class PullRequests:
    """Runs labelled pull requests of a service, each beside the others, until they are closed."""

    label: Annotated[Line, AfterValidator(_label)] = "preview"
    """The label that asks for it. Only people who may triage the repository set labels, those of forks included."""
    environment: DnsLabel | None = None
    """The environment whose values, branch, cluster and way in they have. Unset: the first one of the service."""
    url: Annotated[UrlTemplate, AfterValidator(_url)] | None = None
    """Where one answers, such as https://{service}-{number}.dev.example.com. Unset: inside of the cluster alone."""
    quota: Quota = Field(default_factory=Quota)
    """The most that all of them together may use."""
    days: Annotated[int, Field(ge=1, le=90)] = 7
    """After so many days without a change the label is taken off, and with it what runs."""
    poll_seconds: Annotated[int, Field(ge=10, le=3600)] = 180
    """How often Argo CD asks GitHub which pull requests have the label."""
