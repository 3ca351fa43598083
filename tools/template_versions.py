"""Keeps a digest of each service template with its version, so that none changes without a new version.

Services are told of a change of their template by its version alone.
"""

import hashlib
import json
from pathlib import Path
from typing import cast

import templates
from templates.service_template import BUILT_IN, ServiceTemplate, service_template, service_templates

PATH = BUILT_IN / "versions.json"
"""The record: version and digest by the template's name."""
_LENGTH = 16

Versions = dict[str, dict[str, str]]


def versions() -> Versions:
    """What the record should say."""
    return {
        name: {"version": template.version, "digest": digest(template)}
        for name in service_templates()
        for template in [service_template(name)]
    }


def versions_text() -> str:
    """The text of the record."""
    return json.dumps(versions(), indent=2) + "\n"


def digest(template: ServiceTemplate) -> str:
    """Of all that a template writes: its own files, those that it shares, and its chart."""
    parts = map(templates.digest, (template.folder, *template.shared, template.chart))
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:_LENGTH]


def unraised(path: Path = PATH) -> list[str]:
    """The templates that have changed and still have the version that is recorded, or an older one."""
    try:
        recorded = cast(Versions, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []
    return [
        f"{name}: it has changed since {old['version']}, and its version is {new['version']}; raise `version` in"
        f" {(BUILT_IN / name / 'copier.yml').relative_to(templates.ROOT.parent)}, then run make generate"
        for name, new in versions().items()
        if (old := recorded.get(name)) and new["digest"] != old["digest"]
        if _numbers(new["version"]) <= _numbers(old["version"])
    ]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
