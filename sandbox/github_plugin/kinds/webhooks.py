"""Webhooks of repositories."""

from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.schema import Block, Field, Imported, Kind, Many, state
from sandbox.github_plugin.wire import Json, fields

FIELDS = {
    "repository": Field(str, required=True, replaces=True, kept=True),
    "active": Field(bool, default=True),
    "events": Field(Many(str), required=True),
    "configuration": Field(
        Block(
            {
                "url": Field(str, required=True),
                "contentType": Field(str, allowed=("form", "json")),
                "insecureSsl": Field(bool, default=False),
                "secret": Field(str),
            }
        ),
        kept=True,
    ),
    "etag": Field(str, computed=True, kept=True),
    "url": Field(str, output=True),
}


def _path(github: GitHub, known: Json, identity: str = "") -> str:
    return f"{github.repository_path(known['repository'])}/hooks{identity and f'/{identity}'}"


def _content(planned: Json) -> Json:
    given = fields(planned, "configuration")
    config = {
        "url": given.get("url"),
        "content_type": given.get("contentType"),
        "insecure_ssl": "1" if given.get("insecureSsl") else "0",
        "secret": given.get("secret"),
    }
    return {
        "name": "web",
        "active": planned["active"],
        "events": planned["events"],
        "config": {key: value for key, value in config.items() if value is not None},
    }


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    document = github.find(_path(github, known, identity))
    if document is None:
        return None
    config = fields(document, "config")
    return state(FIELDS, document) | {
        "repository": known["repository"],
        "configuration": {
            "url": config.get("url"),
            "contentType": config.get("content_type"),
            "insecureSsl": str(config.get("insecure_ssl", "0")) == "1",
            # GitHub answers stars instead of a secret.
            "secret": fields(known, "configuration").get("secret"),
        },
        "etag": known.get("etag") or document["_etag"],
    }


def _imported(_github: GitHub, given: str) -> Imported:
    repository, _, number = given.partition("/")
    if not number.isdigit():
        raise PluginError(f"{given!r} is not the id of a webhook; write it as <repository>/<number>")
    return Imported(number, {"repository": repository})


def _update(github: GitHub, identity: str, before: Json, planned: Json) -> None:
    github.write("PATCH", _path(github, before, identity), _content(planned))


KINDS = {
    "RepositoryWebhook": Kind(
        FIELDS,
        create=lambda github, planned: str(github.write("POST", _path(github, planned), _content(planned))["id"]),
        read=_read,
        update=_update,
        delete=lambda github, identity, before: github.remove(_path(github, before, identity)),
        imported=_imported,
    )
}
