"""The rules of service templates: they exist, are templates, and take the answers that services give."""

from manifests.model import Settings, Template, template_of
from manifests.repository_files import chart_files, service_repository_files
from stacks.problems import Problem
from stacks.reading import Found
from templates.service_template import ServiceTemplate, TemplateProblem, service_template, service_templates


def known_templates(own: list[Found[Template]]) -> tuple[dict[str, ServiceTemplate], list[Problem]]:
    """The templates by name, and what is wrong with the platform's own."""
    found = {name: service_template(name) for name in service_templates()}
    problems: list[Problem] = []
    for template in own:
        name = template.value.name
        if name in found:
            whose = "comes with Slipway" if name in service_templates() else "is there already"
            problems.append(Problem(template.at("name"), f"{name!r} {whose}; use another name"))
            continue
        try:
            found[name] = template_of(template.value)
        except TemplateProblem as error:
            problems.append(Problem(template.at("source"), str(error)))
    return found, problems


def check_answers(settings: Settings) -> list[Problem]:
    """What is wrong with answers, and with own templates that do not render."""
    own = {template.name for template in settings.templates}
    problems: list[Problem] = []
    for service in settings.services:
        if not service.answers and service.template not in own:
            continue
        try:
            service_repository_files(settings, service)
            chart_files(settings, service)
        except TemplateProblem as error:
            place = f"answers.{error.question}" if error.question else "template"
            problems.append(Problem(f"services[{service.name}].{place}", str(error)))
    return problems
