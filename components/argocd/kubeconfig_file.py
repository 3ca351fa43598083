"""A kubeconfig as Kubernetes' own client reads it: strictly, and its first document alone."""

from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway_release.validation import reading
from slipway_release.validation.files import read_text

_WRONG = {
    "model_type": "is not a mapping; correct it",
    "dict_type": "is not a mapping; correct it",
    "list_type": "is not a list; correct it",
    "string_type": "is not a text; quote it",
    "bool_type": "is neither true nor false; write it without quotes",
    "literal_error": "is not Config; name the file of a kubeconfig",
}


class _Part(BaseModel):
    """What is null counts as absent; Kubernetes takes nothing of another type."""

    model_config = ConfigDict(
        strict=True, extra="allow", hide_input_in_errors=True, alias_generator=lambda name: name.replace("_", "-")
    )


class Program(_Part):
    """What gives a user tokens."""

    command: str = ""
    args: list[str] = Field(default_factory=list)
    env: list[dict[str, str]] = Field(default_factory=list[dict[str, str]])
    version: str = Field(default="", alias="apiVersion")
    hint: str = Field(default="", alias="installHint")
    mode: str = Field(default="", alias="interactiveMode")


class User(_Part):
    """The identity that a request to a cluster is made with."""

    token: str = ""
    token_file: str = Field(default="", alias="tokenFile")
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    username: str = ""
    password: str = ""
    program: Program | None = Field(default=None, alias="exec")
    auth_provider: dict[str, Any] | None = None


class Cluster(_Part):
    """Where a cluster is, and what makes it trusted."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    proxy_url: str = ""


class Context(_Part):
    """A user at a cluster."""

    cluster: str = ""
    user: str = ""


class Named(_Part):
    """An entry of one of the lists; it holds what its list is of."""

    name: str = ""
    context: Context = Field(default_factory=Context)
    cluster: Cluster = Field(default_factory=Cluster)
    user: User = Field(default_factory=User)


class Kubeconfig(_Part):
    """What leads somebody to a cluster."""

    kind: Literal["Config", ""] = ""
    contexts: list[Named] = Field(default_factory=list[Named])
    clusters: list[Named] = Field(default_factory=list[Named])
    users: list[Named] = Field(default_factory=list[Named])

    def context(self, name: str) -> Context | None:
        """A context; None where there is none of that name."""
        found = _named(self.contexts, name)
        return found and found.context

    def cluster_of(self, context: Context) -> Cluster | None:
        """The cluster that a context leads to."""
        found = _named(self.clusters, context.cluster)
        return found and found.cluster

    def user_of(self, context: Context) -> User | None:
        """The user that a context asks as."""
        found = _named(self.users, context.user)
        return found and found.user


class UnreadableError(Exception):
    """A file that is not a kubeconfig."""

    def __init__(self, problems: list[str]) -> None:
        self.problems: list[str] = problems
        super().__init__("; ".join(problems))


def load(file: Path) -> Kubeconfig:
    """A kubeconfig.

    Raises:
        UnreadableError: it is not a kubeconfig; the error says everything that is wrong with its form.
    """
    try:
        text, unreadable = read_text(file, str(file))
    except OSError as error:
        raise UnreadableError([f"it cannot be read: {error.strerror}; let this user read it"]) from None
    found = reading.read(text)
    problems = [problem.text for problem in unreadable] + [str(mistake) for mistake in found.mistakes]
    document = found.documents[0] if found.documents else None
    if not problems and not isinstance(document, dict):
        problems = ["it is not a kubeconfig; get one from what runs the cluster"]
    if problems:
        raise UnreadableError(problems)
    try:
        return Kubeconfig.model_validate(_filled(cast("object", document)))
    except ValidationError as error:
        wrong = [
            f"{_place(found['loc'])} {_WRONG.get(found['type'], 'cannot be read; correct it')}"
            for found in error.errors()
        ]
        raise UnreadableError(wrong) from None


def _named(items: list[Named], name: str) -> Named | None:
    return next((item for item in items if item.name == name), None)


def _filled(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _filled(item) for key, item in items if item is not None}
    return [_filled(item) for item in cast("list[object]", value)] if isinstance(value, list) else value


def _place(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "it"
