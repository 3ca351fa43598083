"""What a service's chart may bring: images by their digest, permitted kinds, and what it depends on."""

import json
import shutil
from typing import Any

import pytest

from slipway_release.release_file import ReleaseFile
from slipway_release.validation import check, rules
from slipway_release.validation.files import Tree
from tests.release.builders import release
from tests.release.repository import needs_helm, settled, told, workload, write
from tests.stacks.builders import values

PINNED = f"docker.io/library/busybox@sha256:{'a' * 64}"
KINDS = {
    "Pod": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "Rollout": "rollouts.example.com/v1",
    "CronJob": "batch/v1",
}


def _named(container: str, image: str) -> str:
    return f"{{name: {container}, image: '{image}'}}"


def _template(pod: str) -> str:
    return f"{{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {pod}}}}}"


@needs_helm
def test_an_image_that_no_node_would_run_is_refused(tree: Tree) -> None:
    refused = {
        "busybox": "not an image of ghcr.io/acme by its digest",
        "ghcr.io/acmeinc/tool": "not an image of ghcr.io/acme",
        "ghcr.io/acme/Tool": "not the name of an image",
        "ghcr.io/acme/tool:": "not the name of an image",
        "http://ghcr.io/acme/tool": "not the name of an image",
        "GHCR.io/acme/guestbook": "not that of the release",
        "ghcr.io:443/acme/guestbook": "not that of the release",
    }
    images = [f"{name}@sha256:{'a' * 64}" for name in refused]
    containers = ", ".join(_named(f"c{number}", image) for number, image in enumerate(images))
    pod = f"{{containers: [{containers}]}}"
    write(tree.folder / "helm-charts/guestbook/templates/a.yaml", workload("Pod", "v1", pod))
    lines = told(tree).splitlines()
    for image, words in zip(images, refused.values(), strict=True):
        assert any(image in line and words in line for line in lines), (image, lines)


@needs_helm
def test_a_dependency_of_a_templates_chart_is_permitted_by_a_line_in_its_schema(tree: Tree) -> None:
    chart = tree.folder / "helm-charts/guestbook"
    write(tree.folder / "helm-charts/common/Chart.yaml", "apiVersion: v2\nname: common\nversion: 1.0.0\n")
    entry = "dependencies: [{name: common, version: 1.0.0, alias: shared, repository: 'file://../common'}]\n"
    write(chart / "Chart.yaml", (chart / "Chart.yaml").read_text() + entry)
    found = told(tree)
    assert "helm-charts/guestbook/values.schema.json: values of the dependency shared are not permitted" in found
    assert 'add `"shared": {}` to its properties' in found
    assert str(tree.folder) not in found
    assert "/tmp" not in found
    schema = json.loads((chart / "values.schema.json").read_text())
    schema["properties"]["shared"] = {}
    write(chart / "values.schema.json", json.dumps(schema))
    assert [problem for problem in check.problems(tree) if not problem.is_warning] == []


@needs_helm
def test_every_image_of_every_workload_is_pinned(tree: Tree) -> None:
    def objects(*images: str) -> str:
        """Workloads of each kind, whose containers are called after it."""
        pods = [f"{{containers: [{_named(kind.lower(), image)}]}}" for kind, image in zip(KINDS, images, strict=True)]
        jobs = f"{{schedule: '@daily', jobTemplate: {{spec: {{template: {{spec: {pods[-1]}}}}}}}}}"
        specs = [pods[0], *map(_template, pods[1:-1]), jobs]
        return "---\n".join(
            workload(kind, version, spec) for (kind, version), spec in zip(KINDS.items(), specs, strict=True)
        )

    file = tree.folder / "helm-charts/guestbook/templates/a.yaml"
    write(file, objects(*["busybox:latest"] * len(KINDS)))
    found = told(tree)
    for kind in KINDS:
        assert f"container '{kind.lower()}': image 'busybox:latest' is not pinned by digest" in found
    write(file, objects(*[PINNED] * len(KINDS)))
    assert "pinned" not in told(tree)


@needs_helm
def test_an_image_beside_the_containers_is_pinned_too(tree: Tree) -> None:
    beside = {
        "container 'first': image 'x:1'": "initContainers: [{name: first, image: x:1}]",
        "container 'later': image 'x@sha256:beef'": "ephemeralContainers: [{name: later, image: x@sha256:beef}]",
        "volume 'data': image 'x:1'": "volumes: [{name: data, image: {reference: x:1}}]",
    }
    pod = f"{{containers: [{_named('pinned', PINNED)}], {', '.join(beside.values())}}}"
    write(tree.folder / "helm-charts/guestbook/templates/a.yaml", workload("Pod", "v1", pod))
    found = told(tree)
    for what in beside:
        assert f"{what} is not pinned by digest" in found


@needs_helm
def test_a_kind_that_the_project_does_not_permit_is_refused(tree: Tree) -> None:
    chart = tree.folder / "helm-charts/guestbook"
    refused = {
        "ClusterRole": "rbac.authorization.k8s.io/v1",
        "Role": "rbac.authorization.k8s.io/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
        "PodMonitor": "monitoring.coreos.com/v1",
        "Certificate": "cert-manager.io/v1",
        "Namespace": "v1",
    }
    objects = [workload(kind, version, "{}") for kind, version in refused.items()]
    write(chart / "templates/a.yaml", "---\n".join(objects))
    write(chart / "crds/a.yaml", workload("CustomResourceDefinition", "apiextensions.k8s.io/v1", "{}"))
    found = told(tree)
    for kind, version in {**refused, "CustomResourceDefinition": "apiextensions.k8s.io/v1"}.items():
        group = version.rpartition("/")[0]
        assert f"does not permit {group}/{kind}".replace("permit /", "permit ") in found


@needs_helm
def test_one_more_kind_is_permitted_by_the_settings(tree: Tree) -> None:
    kinds = {"kinds": ["cert-manager.io/Certificate", "argoproj.io/Rollout"], "imageSources": ["docker.io/library"]}
    settled(tree, environments=[item | kinds for item in values()["environments"]])
    file = tree.folder / "helm-charts/guestbook/templates/a.yaml"
    rollout = _template(f"{{containers: [{_named('web', PINNED)}]}}")
    objects = [
        workload("Certificate", "cert-manager.io/v1", "{}"),
        workload("Rollout", "argoproj.io/v1alpha1", rollout),
    ]
    write(file, "---\n".join(objects))
    assert told(tree) == ""
    write(file, workload("AppProject", "argoproj.io/v1alpha1", "{}"))
    assert "belongs to the platform" in told(tree)


@needs_helm
def test_annotations_that_the_settings_give_are_no_fault_of_a_team(tree: Tree) -> None:
    snippet = "nginx.ingress.kubernetes.io/configuration-snippet"
    ingress = {"host": "{service}.{environment}.example.com", "annotations": {snippet: "more_set_headers x;"}}
    environments = [{**item, "ingress": ingress} for item in values()["environments"]]
    settled(tree, environments=environments, cluster={**values()["cluster"], "ingressNamespaces": ["ingress"]})
    assert told(tree) == ""
    write(
        tree.folder / "helm-charts/guestbook/templates/a.yaml",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
        f"metadata: {{name: a, annotations: {{{snippet}: 'more_set_headers y;'}}}}\nspec: {{}}\n",
    )
    assert "puts text into the configuration" in told(tree)


@needs_helm
def test_kinds_in_a_list_are_kinds_too(tree: Tree) -> None:
    item = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}"
    write(tree.folder / "helm-charts/guestbook/templates/a.yaml", f"apiVersion: v1\nkind: List\nitems: [{item}]\n")
    write(tree.folder / "infrastructure/dev/a.yaml", f"apiVersion: v1\nkind: List\nitems: [{item}]\n")
    assert told(tree).count("does not permit rbac.authorization.k8s.io/Role") == 4


@needs_helm
def test_a_chart_that_renders_nothing_any_more_is_refused(tree: Tree) -> None:
    shutil.rmtree(tree.folder / "helm-charts/guestbook/templates")
    assert "environments/staging/guestbook (rendered): renders nothing" in told(tree)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tag": None, "version": "main-aaaaaaaaaaaa"}, "versioned tags only"),
        ({"tag": "v1.0.0-rc.1", "version": "1.0.0-rc.1"}, "takes none"),
        ({"tag": "v9.9.9"}, "not a tag of version 1.0.0"),
        ({"tag": "latest"}, "not a release tag"),
        ({"image": "docker.io/mallory/guestbook"}, "is not that of guestbook"),
        ({"digest": "latest"}, "not an image digest"),
    ],
)
def test_production_takes_versioned_tags_of_its_own_image_only(tree: Tree, changes: dict[str, Any], words: str) -> None:
    wanted = release(**({"version": "1.0.0", "image": "ghcr.io/acme/guestbook"} | changes))
    write(tree.folder / "environments/production/guestbook/release.yaml", ReleaseFile(wanted).dump())
    assert words in told(tree)


@pytest.mark.parametrize(
    ("version", "words"),
    [("1.2.3", "'1.2.3' is neither a release nor the image of a branch"), (f"main-{'a' * 12}", "")],
)
def test_an_environment_that_follows_a_branch_takes_images_of_branches(tree: Tree, version: str, words: str) -> None:
    wanted = release(version=version, tag=None, image="ghcr.io/acme/guestbook")
    write(tree.folder / "environments/dev/guestbook/release.yaml", ReleaseFile(wanted).dump())
    assert [problem.text for problem in rules.check_releases(tree)] == ([words] if words else [])
