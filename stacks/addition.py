"""A new entry of a stack file: which answers make it, what is wrong with it, and what it brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from manifests.model import Settings, Template, placement_name
from manifests.model.base import varied
from manifests.repository_files import (
    RepositoryFiles,
    environment_repository_files,
    offered_variables,
    service_repository_files,
)
from stacks.answers import AnswerError, read_answers
from stacks.problems import Problem, SettingsError
from stacks.reading import Reader
from stacks.secrets import SECRETS
from stacks.settings import settings_as_written
from stacks.stack_text import StackText
from stacks.template_checks import known_templates
from templates.service_template import CHARTED, ServiceTemplate, TemplateProblem, service_templates
from templates.starting_files import starting_files

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """What can be added."""

    name: str
    section: str
    """The list in the stack file."""
    fields: tuple[str, ...]
    """The fields that answers set, in the order of the questions."""
    required: frozenset[str] = frozenset({"name"})
    lists: frozenset[str] = frozenset()
    """Those that take several words, with commas between them."""
    choices: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those whose words are the names of a section, or of the templates."""


TEMPLATES = "templates"
ANSWERS = "answers"
"""The field that answers a template's questions."""
KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "service",
            "services",
            ("name", "template", "team", "environments", "repository", "description", ANSWERS),
            frozenset({"name", "template", "team"}),
            frozenset({"environments"}),
            {"template": TEMPLATES, "team": "teams", "environments": "environments"},
        ),
        Kind(
            "environment",
            "environments",
            ("name", "images", "branch", "sync", "delivery", "rollback", "requires", "approvers", "tagPrefix", "url"),
            lists=frozenset({"requires", "approvers"}),
            choices={"requires": "environments", "approvers": "teams"},
        ),
        Kind("team", "teams", ("name", "members"), lists=frozenset({"members"})),
    )
}


class AdditionError(ValueError):
    """An entry that cannot be added: one sentence a line."""


@dataclass(frozen=True)
class Addition:
    """A stack file before and after an entry was added."""

    kind: Kind
    name: str
    before: StackText
    after: StackText
    settings: Settings | None
    """What the file then says; None where something else in it is wrong."""
    consequences: tuple[str, ...]
    """What `pulumi up` then makes, one line each."""


def choices(text: StackText, kind: Kind, name: str) -> list[str]:
    """The words that a field takes; empty where it takes any."""
    source = kind.choices.get(name)
    own = service_templates() if source == TEMPLATES else []
    return [*own, *text.names(source)] if source else []


def item_of(text: StackText, kind: Kind, stack: str, answers: Answers) -> dict[str, Any]:
    """The entry as it is written: without what was left empty.

    Raises:
        AnswerError: the answers to the template's questions cannot be told apart.
    """
    item: dict[str, Any] = {}
    for name in kind.fields:
        value = answers.get(name)
        if isinstance(value, str) and name in kind.lists:
            value = [word.strip() for word in value.split(",") if word.strip()]
        if isinstance(value, str) and value and name == ANSWERS:
            value = _typed(text, kind, stack, answers, read_answers(value))
        if name == "members":
            value = [_member(login) for login in value or ()]
        if value:
            item[name] = value
    return item


def asking(text: StackText, kind: Kind, stack: str, answers: Answers) -> tuple[ServiceTemplate, dict[str, Any]] | None:
    """The template of a service that is not there yet, and what it may use beside answers.

    None where there is no such template, or where other settings are wrong.
    """
    known = known_templates(Reader(text.texts()).many("templates", Template))[0]
    template = known.get(str(answers.get("template")))
    if template is None:
        return None
    # Its own template may have questions that are still to be answered; another one asks nothing that has to be.
    item = item_of(text, kind, stack, {**answers, ANSWERS: None, "template": CHARTED})
    settings = settings_in(text.with_item(kind.section, item), stack)[0]
    if settings is None:
        return None
    service = next(one for one in settings.services if one.name == item["name"])
    return template, offered_variables(settings, varied(service, template=template.name))


def _typed(text: StackText, kind: Kind, stack: str, answers: Answers, given: Mapping[str, str]) -> dict[str, Any]:
    """Answers as Copier reads them; one that does not fit stays text, for the message."""
    found = asking(text, kind, stack, answers)
    try:
        read = starting_files(found[0], given, found[1]).answers if found else {}
    except TemplateProblem:
        read = {}
    return {name: read.get(name, value) for name, value in given.items()}


def problems_of(text: StackText, kind: Kind, stack: str, answers: Answers, after: str | None = None) -> list[Problem]:
    """What is wrong with an entry, and with nothing else of the file."""
    known = text.names(kind.section)
    name = str(answers.get("name") or "")
    if name in known:
        place = f"{kind.section}[{name}]"
        return [Problem("name", f"{name!r} is taken by {place} in line {text.line(place)}; use another name")]
    if after is not None and after not in known:
        return [Problem("after", f"{after!r} is not in {kind.section}; use one of {', '.join(known) or 'none yet'}")]
    missing = [one for one in kind.fields if one in kind.required and not answers.get(one)]
    if missing:
        return [Problem(one, f"missing; give {one.upper()}=… to make, or --{one}") for one in missing]
    try:
        item = item_of(text, kind, stack, answers)
    except AnswerError as error:
        return [Problem(ANSWERS, str(error))]
    if empty := [one for one in kind.fields if one in kind.lists and answers.get(one) and one not in item]:
        # Left out of the entry it would mean all of them.
        return [Problem(one, f"{answers[one]!r} names none; name some, or leave it out") for one in empty]
    grown = text.with_item(kind.section, item, after)
    old = {(problem.path, problem.text) for problem in settings_in(text, stack)[1]}
    return [problem for problem in settings_in(grown, stack)[1] if (problem.path, problem.text) not in old]


def addition(text: StackText, kind: Kind, stack: str, answers: Answers, after: str | None = None) -> Addition:
    """The entry in its place.

    Raises:
        AdditionError: something is wrong with the entry; nothing was changed.
        StackTextError: the file has no room for it.
    """
    if problems := problems_of(text, kind, stack, answers, after):
        raise AdditionError("\n".join(str(problem) for problem in problems))
    grown = text.with_item(kind.section, item_of(text, kind, stack, answers), after)
    before, settings = settings_in(text, stack)[0], settings_in(grown, stack)[0]
    try:
        lines = () if settings is None else tuple(_consequences(before, settings))
    except TemplateProblem as error:
        raise AdditionError(f"template: {error}") from None
    return Addition(kind, str(answers["name"]), text, grown, settings, lines)


def _member(login: str) -> dict[str, str]:
    name, _, role = login.partition(":")
    return {"login": name, **({"role": role} if role else {})}


def settings_in(text: StackText, stack: str) -> tuple[Settings | None, tuple[Problem, ...]]:
    """What a file says; secrets are set by command, also later."""
    texts = text.texts()
    github = texts.get("github", "")
    missing = [key for key in SECRETS if key not in texts and not (key == "githubToken" and '"app"' in github)]
    try:
        return settings_as_written(stack, texts | dict.fromkeys(missing, "set later"), text.changed(texts)), ()
    except SettingsError as error:
        return None, tuple(error.problems)


def _consequences(before: Settings | None, now: Settings) -> list[str]:
    lines: list[str] = []
    old_services = {service.name for service in before.services} if before else set[str]()
    for service in now.services:
        if service.name not in old_services:
            count = _count(service_repository_files(now, service))
            where = now.repository_url(service)
            lines.append(f"repository {where}: {count} files from {service.template}; team {service.team} may push")
    old_teams = {team.name for team in before.teams} if before else set[str]()
    lines += [f"team {team.name}: {len(team.members)} members" for team in now.teams if team.name not in old_teams]
    old = set(map(_place, before.placements())) if before else set[str]()
    lines += [f"Application and namespace {place}" for place in map(_place, now.placements()) if place not in old]
    new_files = _texts(environment_repository_files(now))
    old_files = _texts(environment_repository_files(before)) if before else {}
    added = [path for path in new_files if path not in old_files]
    changed = [path for path, text in new_files.items() if path in old_files and old_files[path] != text]
    if added or changed:
        where = f"{now.github.owner_url}/{now.github.environment_repository}"
        lines.append(f"environment repository {where}: {len(added)} files more, {len(changed)} changed")
    return lines


def _place(placement: tuple[Any, Any]) -> str:
    return placement_name(*placement)


def _texts(files: RepositoryFiles) -> dict[str, str]:
    return {**files.seeded, **files.owned}


def _count(files: RepositoryFiles) -> int:
    return len(_texts(files))
