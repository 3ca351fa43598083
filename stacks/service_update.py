"""What a template changes in the repository of a service that was made from an older version of it."""

import hashlib
from pathlib import Path

from manifests.model import Service, Settings
from manifests.repository_files import offered_variables, service_repository_files
from stacks.template_update import Record, TeamFiles, Update, UpdateError, of_another, recorded
from templates.service_template import ServiceTemplate, TemplateProblem
from templates.starting_files import ANSWERS_FILE, starting_files
from templates.template_history import earlier_version

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
    if ANSWERS_FILE not in files.tree:
        text = "put it back as it was; where there never was one, `pulumi up` writes it, for the version of that day"
        raise UpdateError(f"{ANSWERS_FILE} is missing; {text}")
    found = recorded(files.read(ANSWERS_FILE) or "", ANSWERS_FILE)
    if found.source != template.source:
        raise UpdateError(of_another(found.source, template))
    if found == wanted:
        return None
    old = earlier_version(template, found.version, root)
    try:
        before = starting_files(old, found.answers, offered_variables(settings, service), recorded=True).files
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
        (_reason(template, found),),
        files.merged(before, start.seeded, ANSWERS_FILE),
        start.executable,
    )


def _title(template: ServiceTemplate, found: Record) -> str:
    if found.version == template.version:
        return f"Follow the answers to {template.name}"
    return f"Update {template.name} from {found.version} to {template.version}"


def _reason(template: ServiceTemplate, found: Record) -> str:
    if found.version == template.version:
        return f"The settings answer questions of the template `{template.name}` differently now."
    return f"The template `{template.name}` ({template.description}) has changed since this service was made from it."
