"""All checks of a work tree, with every problem reported at once."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slipway_release import layout, workflow
from slipway_release.errors import RefusedError
from slipway_release.platform_types import placement_name
from slipway_release.validation import (
    charts,
    files,
    helm,
    hosts,
    images,
    immutable,
    jobs,
    ownership,
    pod_security,
    references,
    removal,
    rules,
    secrets,
    structure,
    tenancy,
    values,
)
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.files import Problem, Tree
from slipway_release.validation.ownership import Proposal

_CHARTS = "helm-charts"
"""Where it is told that no chart was rendered. The base has the same cause, and nothing was checked."""


def run(folder: Path, base: Path | None, proposal: Proposal | None = None) -> None:
    """Check the tree; problems that its base has too are shown, and are not the fault of this change.

    Args:
        folder: the tree.
        base: the tree that it is proposed to.
        proposal: the pull request that proposes it.
    """
    _compare_helm(Tree(folder))
    before = Tree(base) if base and (base / ".slipway/platform.json").is_file() else None
    found = problems(Tree(folder), before)
    known = {problem.subject for problem in problems(before, always=True)} if before and found else set[object]()
    of_values = [problem.subject in known for problem in found if values.is_values(problem.path)]
    if of_values and all(of_values):
        # What was wrong before must not keep anybody from seeing what this change makes of the charts.
        found = problems(Tree(folder), before, always=True)
    new = ownership.check(before, Tree(folder), proposal) if before and proposal else list[Problem]()
    for problem in found:
        if problem.is_warning:
            workflow.warning(str(problem))
        elif problem.subject in known and problem.path != _CHARTS:
            workflow.warning(f"{problem} (it was so before)")
        else:
            new.append(problem)
    for problem in new:
        workflow.error(str(problem))
    if new:
        listed = "\n".join(f"- {problem}" for problem in new)
        workflow.summary(f"### {len(new)} problems\n\n{listed}")
        raise RefusedError(f"{len(new)} problem{'s' if len(new) > 1 else ''}, named above")
    workflow.notice("all files parse, all charts render, all rules hold")


def _compare_helm(tree: Tree) -> None:
    wanted, found = tree.platform().helm, helm.version()
    if wanted is not None and found is not None and found != wanted.version:
        workflow.warning(
            f"helm: it is {found} here, and Argo CD renders with {wanted.version}; what differs is not seen. Install"
            " that one on the runner, or let it reach get.helm.sh; argocd.helmVersion of the settings names another"
        )


def problems(tree: Tree, base: Tree | None = None, *, always: bool = False) -> list[Problem]:
    """Everything that is wrong with a work tree, and with the step to it from its base.

    Args:
        tree: the work tree.
        base: what it is proposed to.
        always: whether charts are rendered also with values in which something is wrong.
    """
    found = secrets.check_tree(tree) + rules.check_links(tree) + tenancy.check_files(tree)
    infrastructure = tree.platform().infrastructure_kinds or None
    newer = structure.is_newer(tree.platform().kubernetes_version)
    for path, content, broken in tree.readings():
        manifests = files.objects(content)
        found += broken + secrets.check_manifests(path, manifests)
        if values.is_values(path):
            found += values.check(path, content)
        if path.startswith(("infrastructure/", "apps/")):
            kinds = infrastructure if path.startswith("infrastructure/") else None
            found += [
                problem for item in manifests for problem in rules.check_manifest(path, item, None, kinds, newer=newer)
            ]
            found += rules.check_objects(path, content)
    found += rules.check_releases(tree) + rules.check_owners(tree, base)
    found += removal.check_releases(base, tree) if base else []
    if always or not any(values.is_values(problem.path) for problem in found):
        try:
            found += _rendered(tree, base)
        except RefusedError as error:
            found.append(Problem(_CHARTS, str(error)))
    return sorted(set(found))


def _rendered(tree: Tree, base: Tree | None) -> list[Problem]:
    places, owners = list(tree.placements()), hosts.hosts_of(tree)
    newer = structure.is_newer(tree.platform().kubernetes_version)
    with Builds() as builds, ThreadPoolExecutor(os.cpu_count()) as pool:
        linted = pool.map(functools.partial(charts.lint, tree, builds=builds), tree.platform().services)
        waiting = [pool.submit(charts.render, tree, *place, builds, sample=True) for place in places]
        rendered = [future.result() for future in waiting]
        found = [problem for problems in linted for problem in problems]
    for (service, environment), item in zip(places, rendered, strict=True):
        where = f"{layout.service_folder(item.environment, item.service)} (rendered)"
        found += item.problems + secrets.check_manifests(where, item.manifests)
        namespace = placement_name(item.service, item.environment)
        release = removal.released(tree, service, environment)
        given = charts.ingress_annotations(service, environment)
        for manifest in item.manifests:
            what = f"{manifest.get('kind')} {secrets.name_of(manifest)!r}"
            found += [Problem(where, f"{what}: {text}") for text in jobs.check_seen(manifest)]
        manifests = [manifest for manifest in item.manifests if jobs.is_applied(manifest)]
        for manifest in manifests:
            found += rules.check_manifest(where, manifest, namespace, environment.kinds or None, newer=newer)
            beyond = [
                *tenancy.check_manifest(owners, manifest, namespace, given),
                *tenancy.check_image(service, release, manifest),
                *images.check_sources(manifest, environment.image_sources),
                *pod_security.check(manifest, environment.pod_security),
            ]
            what = f"{manifest.get('kind')} {secrets.name_of(manifest)!r}"
            found += [Problem(where, f"{what}: {text}") for text in beyond]
        found += jobs.check(where, manifests)
        found += references.check(where, manifests)
        found += rules.check_repeated(where, manifests, namespace)
        found += values.check_texts(charts.value_files(tree, service, environment), manifests)
        if not manifests and not item.problems and release:
            found.append(Problem(where, "renders nothing, so Argo CD would delete what runs; restore the templates"))
    found += immutable.check(base, tree, rendered) if base else []
    return found + charts.schemas(rendered)
