"""What a template changes in the repository of a service that was made from an older version of it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.github.tree import blob_sha
from manifests.model import Service, Settings
from manifests.repository_files import offered_variables, service_repository_files
from stacks.template_update import Record, TeamFiles, Update, UpdateError, of_another, recorded
from templates.service_template import ServiceTemplate, TemplateProblem
from templates.starting_files import ANSWERS_FILE
from templates.template_history import earlier_files, versions_without_questions

BRANCHES = "slipway/template-"


def service_update(files: TeamFiles, settings: Settings, service: Service, root: Path) -> Update | None:
    """What would be proposed to a service; None where it is up to date.

    Args:
        files: of the service's repository.
        settings: the stack's.
        service: the service.
        root: the platform repository.

    Raises:
        UpdateError: its record is missing or broken, or is of another template.
        TemplateProblem: the old version is not to be had, or one of the two does not render.
        GitHubError: GitHub refuses something.
    """
    template = settings.template(service)
    start = service_repository_files(settings, service)
    wanted = recorded(start.seeded[ANSWERS_FILE], ANSWERS_FILE)
    variables = offered_variables(settings, service)
    if ANSWERS_FILE in files.tree:
        found = recorded(files.read(ANSWERS_FILE) or "", ANSWERS_FILE)
    else:
        found = _unrecorded(files, template, variables, root)
    if found.source != template.source:
        raise UpdateError(of_another(found.source, template))
    if found == wanted:
        return None
    try:
        before = earlier_files(template, found.version, found.answers, variables, root)
    except TemplateProblem as error:
        if not error.question:
            raise
        text = f"{ANSWERS_FILE}: {error.question}: {error}"
        raise UpdateError(f"{text}; the record was edited: put it back as its last template update wrote it") from None
    # What is the platform's is kept by `pulumi up`.
    before = {path: text for path, text in before.items() if path not in start.owned}
    if {**before, ANSWERS_FILE: ""} == {**start.seeded, ANSWERS_FILE: ""}:
        return None
    digest = hashlib.sha256(start.seeded[ANSWERS_FILE].encode()).hexdigest()[:8]
    return Update(
        files,
        BRANCHES,
        f"{BRANCHES}{template.version}-{digest}",
        _title(template, found),
        _reason(template, found, recorded=ANSWERS_FILE in files.tree),
        files.merged(before, start.seeded, ANSWERS_FILE),
        start.executable,
    )


def _unrecorded(files: TeamFiles, template: ServiceTemplate, variables: Mapping[str, Any], root: Path) -> Record:
    """What a service was made from before there were records: the version of which most files are as they were.

    Raises:
        UpdateError: it had a record, or none of its files is that of such a version.
    """
    if files.had(ANSWERS_FILE):
        raise UpdateError(f"{ANSWERS_FILE} is missing; put it back as it was before somebody deleted it")
    best, version = 0, ""
    # Of two that fit alike the older one: what lies between them was not released.
    for one in versions_without_questions(template, root):
        start = earlier_files(template, one, {}, variables, root)
        same = sum(path in files.tree and files.tree[path].sha == blob_sha(text) for path, text in start.items())
        if same and same >= best:
            best, version = same, one
    if not version:
        raise UpdateError(
            f"{ANSWERS_FILE} is missing, and no file is as {template.name} had it before there were records; write it"
            f" with `_src_path: {template.source}` and `_commit: <version>`, where {template.version} means no update"
            " before the next version"
        )
    return Record(template.source, version)


def _title(template: ServiceTemplate, found: Record) -> str:
    if found.version == template.version:
        return f"Follow the answers to {template.name}"
    return f"Update {template.name} from {found.version} to {template.version}"


def _reason(template: ServiceTemplate, found: Record, *, recorded: bool) -> tuple[str, ...]:
    if found.version == template.version:
        return (f"The settings answer questions of the template `{template.name}` differently now.",)
    text = f"The template `{template.name}` ({template.description}) has changed since this service was made from it."
    if recorded:
        return (text,)
    more = f"The service has no record of its version yet. By its files it was {found.version}."
    return (text, f"{more} This request adds the record, `{ANSWERS_FILE}`.")
