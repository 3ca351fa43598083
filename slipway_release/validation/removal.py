"""What a change takes away. Argo CD deletes what is no longer rendered, so a lost file is a lost workload."""

from __future__ import annotations

from slipway_release import layout, release_file
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release
from slipway_release.validation.files import Problem, Tree, read_text


def released(tree: Tree, service: Service, environment: Environment) -> Release | None:
    """The release that a tree has of a service in an environment; None too where its file cannot be read."""
    path = release_file.path_of(environment.name, service.name)
    file = tree.folder / path
    if not file.is_file() or file.is_symlink():
        return None
    try:
        return release_file.parse(read_text(file, path)[0], path).release
    except RefusedError:
        return None


def is_gone(tree: Tree, service: Service) -> bool:
    """Whether a service has neither a chart nor a folder in any environment."""
    folders = [tree.folder / "environments" / name / service.name for name in service.environments]
    return not any(folder.exists() for folder in [tree.folder / "helm-charts" / service.name, *folders])


def check_releases(base: Tree, head: Tree) -> list[Problem]:
    """No release file goes, moves or is emptied while the settings still have the service in the environment."""
    placed = {(service.name, environment.name) for service, environment in head.placements()}
    problems: list[Problem] = []
    for service, environment in base.placements():
        path = release_file.path_of(environment.name, service.name)
        stays = (service.name, environment.name) in placed and not is_gone(head, service)
        if not stays or released(base, service, environment) is None:
            continue
        file = head.folder / path
        # One that is there and cannot be read is named by the rules of release files.
        if not file.is_file() or _is_empty(head, path):
            text = (
                f"the release is taken away, and what runs in {environment.name} with it; restore the file, "
                f"or take {service.name} out of {environment.name} in the settings first"
            )
            problems.append(Problem(path, text))
    return problems


def _is_empty(tree: Tree, path: str) -> bool:
    try:
        return release_file.parse(read_text(tree.folder / path, path)[0], path).release is None
    except RefusedError:
        return False


def check_left_over(tree: Tree, base: Tree | None) -> list[Problem]:
    """Folders of what no longer runs: a warning with the remedy where they are left over, else a mistake.

    Args:
        tree: what is proposed.
        base: what it is proposed to. Without one, a folder with a chart or a release counts as left over.
    """
    problems: list[Problem] = []
    placed = {(environment.name, service.name) for service, environment in tree.placements()}
    environments = {environment.name for environment in tree.platform().environments}
    folder = tree.folder / "environments"
    for place in sorted(folder.glob("*")) if folder.is_dir() else []:
        if place.name not in environments:
            text = "no such environment in the platform's settings"
            problems.append(_left_over(tree, base, layout.environment_folder(place.name), text))
            continue
        for child in sorted(place.iterdir()) if place.is_dir() else []:
            if child.is_dir() and (place.name, child.name) not in placed:
                text = f"no service of that name runs in {place.name}"
                problems.append(_left_over(tree, base, layout.service_folder(place.name, child.name), text))
    return problems + _gone(tree)


def _left_over(tree: Tree, base: Tree | None, path: str, text: str) -> Problem:
    here = tree.folder / path
    chart = tree.folder / layout.chart_folder(here.name)
    was_there = (base.folder / path).exists() if base else (chart.is_dir() or any(here.rglob("release.yaml")))
    if was_there:
        remedy = f"it is left over: delete it when nothing of it is needed (`git rm -r {path}`)"
        return Problem(path, f"{text}; {remedy}", is_warning=True)
    return Problem(path, f"{text}; add it to the settings")


def _gone(tree: Tree) -> list[Problem]:
    return [
        Problem(
            layout.chart_folder(service.name),
            f"the files of {service.name} are gone, and the settings still name it; take it out of them and run "
            "`pulumi up`. Until then Argo CD shows an error, and what runs goes on",
            is_warning=True,
        )
        for service in tree.platform().services
        if is_gone(tree, service)
    ]
