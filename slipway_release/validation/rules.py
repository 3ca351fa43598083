"""What may stand in the environment repository, beyond being YAML."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from slipway_release import fields, layout, release_file, tags
from slipway_release.errors import RefusedError
from slipway_release.names import is_dns_subdomain
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release
from slipway_release.tags import Tag
from slipway_release.validation import constraints, images, jobs, objects, removal, structure
from slipway_release.validation.files import Manifest, Problem, Tree, read_text
from slipway_release.validation.reading import Reading
from slipway_release.validation.secrets import name_of
from slipway_release.validation.texts import check as check_texts

_OF_RBAC = "rbac.authorization.k8s.io/"
_PATH_SEGMENT = re.compile(r"(?!\.\.?$)[^/%]+")
"""What roles and their bindings may be called, such as `system:viewer`."""
_LONGEST = {"Namespace": 63, "batch/Job": 63, "batch/CronJob": 52, "apps/StatefulSet": 52}
"""Names that become labels, or are added to."""
_OF_PLATFORM = {"argoproj.io/Application", "argoproj.io/ApplicationSet", "argoproj.io/AppProject"}
_FOLDERS = {"environments", "infrastructure", ".slipway", ".github", ".github/workflows", ".github/actions"}
_OF_ENVIRONMENT = {"values.yaml", "freeze.json"}
_OF_SERVICE = {("values.yaml",), ("release.yaml",)}


def check_releases(tree: Tree) -> list[Problem]:
    """Every release file: well formed, of the right image, and of a kind that its environment takes."""
    problems: list[Problem] = []
    for service, environment in tree.placements():
        path = release_file.path_of(environment.name, service.name)
        file = tree.folder / path
        if not file.is_file() or file.is_symlink():
            continue
        try:
            release = release_file.parse(read_text(file, path)[0], path).release
        except RefusedError as error:
            problems.append(Problem(path, str(error).removeprefix(f"{path}: ")))
            continue
        if release is not None:
            problems += [Problem(path, text) for text in _release(release, service, environment)]
    return problems


def _release(release: Release, service: Service, environment: Environment) -> Iterable[str]:
    if release.image != service.image:
        yield f"image {release.image!r} is not that of {service.name}, {service.image!r}"
    if release.tag is None:
        if environment.tracked_branch is None:
            yield f"{release.version!r} is not a release; {environment.name} takes versioned tags only"
        elif not tags.is_branch_version(release.version):
            yield f"{release.version!r} is neither a release nor the image of a branch"
        return
    if Tag.parse(release.tag).version.is_prerelease and not environment.prereleases:
        yield f"{release.version} is a prerelease; {environment.name} takes none"


def check_links(tree: Tree) -> list[Problem]:
    """Symbolic links: Argo CD refuses a repository with one that leads out of it, and values are files themselves."""
    text = "a link out of the repository; Argo CD then reads nothing of all of it"
    out = {path: Problem(path, text) for path in tree.links_out()}
    inside = [path for path, _ in tree.links() if _is_kept_real(path) and path not in out]
    return [*out.values(), *(Problem(path, "a link; put the file itself here") for path in inside)]


def _is_kept_real(path: str) -> bool:
    """Whether nothing but a file or a folder may be there: the values of services, and what guards the rest."""
    return path in _FOLDERS or path.startswith(("environments/", ".slipway/"))


def check_objects(path: str, found: Reading) -> list[Problem]:
    """Documents of a manifest that are not objects: Kubernetes would never see them."""
    return [
        Problem(path, "a document that is not an object of Kubernetes", line)
        for document, line in zip(found.documents, found.lines, strict=True)
        if document is not None and not isinstance(document, dict)
    ]


def check_owners(tree: Tree, base: Tree | None = None) -> list[Problem]:
    """Folders belong to services that are known, and every service's folders have an owner."""
    problems = removal.check_left_over(tree, base)
    for environment in tree.platform().environments:
        folder = tree.folder / "environments" / environment.name
        services = {service.name for service, where in tree.placements() if where == environment}
        for file in sorted(folder.rglob("*")):
            inner = file.relative_to(folder).parts
            path = file.relative_to(tree.folder).as_posix()
            if file.is_dir() and file.name in {"values.yaml", "release.yaml"}:
                problems.append(Problem(path, "a folder where a file must be; give it another name"))
            if file.is_dir() or (len(inner) > 1 and inner[0] not in services):
                continue
            if len(inner) == 1 and file.name not in _OF_ENVIRONMENT:
                problems.append(Problem(path, "not read by anything; values are in values.yaml"))
            elif len(inner) > 1 and file.suffix.lower() in {".yaml", ".yml"} and inner[1:] not in _OF_SERVICE:
                problems.append(Problem(path, f"not read by anything; values of {inner[0]} are in values.yaml there"))
    return problems + _code_owners(tree)


def _code_owners(tree: Tree) -> list[Problem]:
    candidates = [path for path in ("CODEOWNERS", ".github/CODEOWNERS") if (tree.folder / path).is_file()]
    if not candidates:
        return [Problem("CODEOWNERS", "missing; the platform's `pulumi up` writes it")]
    text, broken = read_text(tree.folder / candidates[0], candidates[0])
    if broken:
        return broken
    patterns = [line.split()[0] for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [
        Problem(candidates[0], f"no team owns {layout.chart_folder(service.name)}")
        for service in tree.platform().services
        if not any(_covers(pattern, f"{layout.chart_folder(service.name)}/") for pattern in patterns)
    ]


def _covers(pattern: str, folder: str) -> bool:
    """Whether a CODEOWNERS pattern covers a whole folder."""
    plain = pattern.removeprefix("/").removesuffix("**").removesuffix("*")
    return plain == "" or folder.startswith(plain if plain.endswith("/") else plain + "/")


def check_manifest(
    path: str,
    manifest: Manifest,
    namespace: str | None,
    kinds: Collection[str] | None = None,
    *,
    newer: bool = False,
) -> list[Problem]:
    """The shape that every Kubernetes object has, and that our workloads must have.

    Args:
        path: where it is, for people.
        manifest: the object.
        namespace: the one that it must be in; None where any will do.
        kinds: what its AppProject permits, as `group/Kind` or, without a group, `Kind`; None where that is not known.
        newer: whether the cluster's Kubernetes may know fields that are not known here.
    """
    kind, version = manifest.get("kind"), manifest.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        return [Problem(path, "an object without kind or apiVersion")]
    where = f"{kind} {name_of(manifest)!r}"
    metadata = fields.optional_document(manifest, "metadata") or {}
    texts: list[str] = []
    name = metadata.get("name")
    if name is None and metadata.get("generateName") is not None:
        # Argo CD makes a hook again for each sync, so it may.
        if not jobs.hooks(manifest):
            texts.append("has a generateName, so each sync would make another one; give it a name")
    elif not isinstance(name, str) or not _is_name(name, manifest):
        texts.append("metadata.name is missing or no name that Kubernetes takes")
    elif len(name) > (longest := _LONGEST.get(qualified_kind(manifest), len(name))):
        texts.append(f"metadata.name has {len(name)} characters; Kubernetes takes at most {longest}")
    if namespace is not None and metadata.get("namespace") not in (None, "", namespace):
        texts.append(f"is in namespace {metadata.get('namespace')!r}; only {namespace!r} is this service's")
    qualified = qualified_kind(manifest)
    if namespace is not None and qualified in _OF_PLATFORM:
        texts.append("belongs to the platform's Pulumi program, not to a service's chart")
    elif kinds is not None and qualified not in kinds:
        remedy = "take it out, or add it to the environment's `kinds` in the settings"
        texts.append(f"Argo CD's AppProject does not permit {qualified} here; {remedy}")
    of_fields = [*check_texts(manifest), *objects.check(manifest)]
    texts += [*of_fields, *structure.check(manifest, scalars=not of_fields, unknown=not newer)]
    texts += constraints.check(manifest)
    texts += images.check(manifest)
    return [Problem(path, f"{where}: {text}") for text in texts]


def _is_name(name: str, manifest: Manifest) -> bool:
    if qualified_kind(manifest).startswith(_OF_RBAC):
        return _PATH_SEGMENT.fullmatch(name) is not None
    return is_dns_subdomain(name) and not (qualified_kind(manifest) == "apps/StatefulSet" and "." in name)


def qualified_kind(manifest: Manifest) -> str:
    """`group/Kind`, or `Kind` without a group."""
    group = str(manifest.get("apiVersion")).rpartition("/")[0]
    return f"{group}/{manifest.get('kind')}" if group else str(manifest.get("kind"))


def check_repeated(path: str, manifests: Sequence[Manifest], namespace: str) -> Iterable[Problem]:
    """Objects that are rendered twice: Argo CD warns, and one of them wins."""
    seen: set[tuple[str, object, object]] = set()
    for manifest in manifests:
        metadata = fields.optional_document(manifest, "metadata") or {}
        name = metadata.get("name")
        identity = (qualified_kind(manifest), metadata.get("namespace") or namespace, str(name))
        if name is not None and not jobs.hooks(manifest):
            if identity in seen:
                text = f"{manifest.get('kind')} {name_of(manifest)!r}: is rendered twice, and one of them would win"
                yield Problem(path, f"{text}; give one another name")
            seen.add(identity)
