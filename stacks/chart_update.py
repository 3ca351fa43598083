"""What a template changes in the chart of a service, which lives in the environment repository."""

import re
from collections.abc import Iterable
from pathlib import Path

from manifests.model import Environment, Service, Settings, Sync
from manifests.repository_files import chart_files, service_variables
from slipway_release import layout
from slipway_release.platform_types import MAIN
from stacks.template_update import Record, TeamFiles, Update, UpdateError, of_another, recorded
from templates.service_template import CHARTED, ServiceTemplate, chart_template, service_template
from templates.starting_files import ANSWERS_FILE, rendered_chart
from templates.template_history import earlier_chart

_SAYS_ITSELF = re.compile(r"^description: .*, from the service template (\S+) (\S+?)\"?$", re.MULTILINE)
"""In the Chart.yaml of charts from before they had a record."""


def chart_branches(service: Service) -> str:
    """What the branches of updates of a service's chart begin with."""
    return f"slipway/charts/{service.name}/"


def chart_update(files: TeamFiles, settings: Settings, service: Service, root: Path) -> Update | None:
    """What would be proposed to the chart of a service; None where it is up to date, or where the service has none.

    Args:
        files: of the environment repository.
        settings: the stack's.
        service: the service.
        root: the platform repository.

    Raises:
        UpdateError: its record is missing or broken, or is of another template.
        TemplateProblem: the old version is not to be had, or one of the two does not render.
        GitHubError: GitHub refuses something.
    """
    folder = f"{layout.chart_folder(service.name)}/"
    if not any(path.startswith(folder) for path in files.tree):
        return None
    template = settings.template(service)
    wanted = chart_template(template)
    record = f"{folder}{ANSWERS_FILE}"
    found = _record(files, folder, template)
    origin = _origin(found, template, record)
    if (found.source, found.version) == (wanted.source, wanted.version):
        return None
    variables = service_variables(settings, service)
    variables["template"] = {"name": template.name, "version": found.version}
    chart = rendered_chart(origin.name, earlier_chart(origin, found.version, root), variables)
    before = {f"{folder}{path}": text for path, text in chart.items()}
    now = chart_files(settings, service)
    if {**before, record: ""} == {**now.files, record: ""}:
        return None
    return Update(
        files,
        chart_branches(service),
        f"{chart_branches(service)}{wanted.version}",
        f"Update the chart of {service.name} from {origin.name} {found.version} to {wanted.version}",
        _reason(settings, service, wanted),
        files.merged(before, now.files, record, folder),
        now.executable,
    )


def _record(files: TeamFiles, folder: str, template: ServiceTemplate) -> Record:
    """What the chart was made from."""
    record, described = f"{folder}{ANSWERS_FILE}", f"{folder}Chart.yaml"
    if record in files.tree:
        return recorded(files.read(record) or "", record)
    text = files.read(described) if described in files.tree else None
    says = _SAYS_ITSELF.search(text or "")
    if says is None or says[1] != template.name or not template.brings_chart:
        wanted = chart_template(template)
        text = f"{record} is missing, and Chart.yaml does not say which version of a template it is from"
        raise UpdateError(
            f"{text}; write the record with `_src_path: {wanted.source}` and `_commit: <version>`, where"
            f" {wanted.version} means no update before the next version"
        )
    return Record(template.source, says[2])


def _origin(found: Record, template: ServiceTemplate, record: str) -> ServiceTemplate:
    """The template whose chart it was; one that brings no chart any more, or did not at first, has had another's."""
    for one in (template, service_template(CHARTED)):
        if found.source == one.source:
            return one
    raise UpdateError(f"{record}: {of_another(found.source, template)}")


def _reason(settings: Settings, service: Service, template: ServiceTemplate) -> tuple[str, ...]:
    environments = settings.environments_of(service)
    by_branch = [one for one in environments if one.target_branch != MAIN]
    by_hand = [one for one in environments if one not in by_branch and one.sync is Sync.MANUAL]
    at_once = [one for one in environments if one not in by_branch and one not in by_hand]
    reaches = (
        (at_once, "as soon as it is merged"),
        (by_hand, "once it is merged and somebody syncs"),
        (by_branch, "with the next release"),
    )
    return (
        f"The chart of the template `{template.name}` has changed since the one of {service.name} was made from it.",
        "",
        "It changes how the releases that run now are deployed, and starts no release:",
        *(f"- {_named(found)}: {when}" for found, when in reaches if found),
        "",
        "The comment of the check *Validate* shows what differs in each environment. A newer chart runs older images,",
        "so merge this before an update of the service's repository to the same version.",
    )


def _named(environments: Iterable[Environment]) -> str:
    return ", ".join(environment.name for environment in environments)
