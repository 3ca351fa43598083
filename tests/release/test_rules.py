"""Objects that Kubernetes or Argo CD would refuse at the sync are refused by the check."""

from typing import Any

import pytest

from slipway_release import release_file
from slipway_release.errors import RefusedError
from slipway_release.validation import images, reading, rules

DIGEST = "a@sha256:" + "0" * 64


def told(manifest: dict[str, Any]) -> str:
    return "\n".join(map(str, rules.check_manifest("x.yaml", manifest, "guestbook-dev")))


def thing(kind: str = "ConfigMap", version: str = "v1", name: str = "a", **parts: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | parts


def workload(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", "image": DIGEST} | container]} | spec
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    return thing("Deployment", "apps/v1", spec={"selector": {"matchLabels": {"a": "b"}}, "template": template})


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (thing(metadata={"name": "a", "labels": {"x": True}}), "label x is not a text; quote it"),
        (thing(metadata={"name": "a", "annotations": {"x": 1}}), "annotation x is not a text; quote it"),
        (thing(data={"PORT": 8080}), "data.PORT is not a text; quote it"),
        (workload({"env": [{"name": "PORT", "value": 8080}]}), "env PORT is not a text; quote it"),
        (workload({"args": ["--port", 8080]}), "args[1] is not a text; quote it"),
        (workload({}, nodeSelector={"gpu": True}), "nodeSelector.gpu is not a text; quote it"),
        (
            thing(
                "CronJob",
                "batch/v1",
                spec={"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"command": [True]}]}}}}},
            ),
            "command[0] is not a text; quote it",
        ),
    ],
)
def test_a_number_where_kubernetes_takes_a_text_is_named(manifest: dict[str, Any], said: str) -> None:
    assert said in told(manifest)


def test_texts_and_what_is_left_empty_are_fine() -> None:
    assert told(workload({"env": [{"name": "A", "value": None}, {"name": "B", "value": "1"}], "args": ["1"]})) == ""
    assert told(thing(data={"A": "1", "B": None}, metadata={"name": "a", "annotations": None})) == ""


@pytest.mark.parametrize(("kind", "version", "length"), [("Namespace", "v1", 64), ("CronJob", "batch/v1", 53)])
def test_a_name_that_is_too_long_for_its_kind_is_named(kind: str, version: str, length: int) -> None:
    assert f"Kubernetes takes at most {length - 1}" in told(thing(kind, version, "a" * length))
    assert "at most" not in told(thing(kind, version, "a" * (length - 1)))


def test_a_generated_name_is_for_hooks() -> None:
    generated = {"generateName": "a-"}
    assert "give it a name" in told(thing(metadata=generated))
    assert told(thing(metadata=generated | {"annotations": {"argocd.argoproj.io/hook": "PreSync"}})) == ""


def test_an_object_that_is_rendered_twice_is_named() -> None:
    def repeated(*manifests: dict[str, Any]) -> list[str]:
        return [problem.text for problem in rules.check_repeated("x.yaml", manifests, "guestbook-dev")]

    elsewhere = thing(metadata={"name": "a", "namespace": "guestbook-dev"})
    assert "ConfigMap 'a': is rendered twice" in repeated(thing(), elsewhere)[0]
    hook = {"name": "a", "annotations": {"argocd.argoproj.io/hook": "Sync"}}
    assert repeated(thing(), thing("Service"), thing(name="b"), thing(metadata=hook), thing(metadata=hook)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%YAML 1.2\n---\nreplicas: 3\n", "remove that line"),
        ("replicas: 3\n...\nport: 9000\n", "more behind `...`"),
    ],
)
def test_what_only_other_readers_take_is_named(text: str, said: str) -> None:
    assert said in str(reading.read(text).mistakes[0])
    assert reading.read("%YAML 1.1\n---\nreplicas: 3\n").mistakes == []


def test_a_release_file_without_end_is_refused_in_a_sentence() -> None:
    with pytest.raises(RefusedError, match="restore it from its last commit"):
        release_file.parse("[" * 100_000, "release.yaml")


@pytest.mark.parametrize(
    ("kind", "version", "name", "taken"),
    [
        ("ConfigMap", "v1", "a.b", True),
        ("ConfigMap", "v1", "a:b", False),
        ("ConfigMap", "v1", "A", False),
        ("Role", "rbac.authorization.k8s.io/v1", "system:Viewer_1", True),
        ("Role", "rbac.authorization.k8s.io/v1", "a/b", False),
        ("StatefulSet", "apps/v1", "a.b", False),
        ("Job", "batch/v1", "a" * 64, False),
    ],
)
def test_each_kind_has_the_names_that_kubernetes_lets_it_have(kind: str, version: str, name: str, taken: bool) -> None:
    assert ("metadata.name" not in told(thing(kind, version, name))) is taken


def test_an_empty_namespace_is_none() -> None:
    assert "namespace" not in told(thing(metadata={"name": "a", "namespace": ""}))


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        ("Pod", {}, "spec.containers is empty"),
        ("Pod", {"containers": []}, "spec.containers is empty"),
        ("Deployment", {"template": {"spec": {"containers": {}}}}, "spec.template.spec.containers is empty"),
        ("Pod", {"containers": ["web"]}, "'web' is not a container"),
        ("Pod", {"containers": [{"name": "a"}]}, "container 'a': image '' is not pinned by digest"),
        ("Pod", {"containers": [{"name": "a", "image": ["x"]}]}, "is not pinned by digest"),
        (
            "Odd",
            {"pods": [{"containers": [{"name": "a", "image": "x:1"}]}]},
            "container 'a': image 'x:1' is not pinned",
        ),
        ("Odd", {"containers": [{"name": "a"}]}, None),
        (
            "Odd",
            {"volumes": [{"name": "a", "image": {"reference": DIGEST.upper().replace("SHA", "sha")}}]},
            "is not the name of an image",
        ),
        ("Odd", {"volumes": [{"name": "a", "image": {"reference": 1}}]}, "volume 'a': image 1 is not pinned by digest"),
        ("Odd", {"volumes": [{"name": "a", "image": {"reference": DIGEST}}, {"name": "b"}]}, None),
    ],
)
def test_images_are_looked_for_wherever_an_object_has_them(kind: str, spec: dict[str, Any], said: str | None) -> None:
    found = list(images.check({"apiVersion": "v1", "kind": kind, "spec": spec}))
    assert said in found[0] if said else not found, found
