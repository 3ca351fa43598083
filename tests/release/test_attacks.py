"""What somebody may put into a chart or values to leave the own namespace: real attempts, rendered by the real Helm.

Each attempt stands in one chart, so that all of them cost one rendering. What passes here is decided again by Argo CD's
AppProject, which names the same kinds and namespaces.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from manifests.app_project import app_project
from slipway_release.layout import release_path
from slipway_release.release_file import Release, ReleaseFile
from slipway_release.validation import charts, check, rules, secrets, tenancy
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.files import Tree
from stacks.settings import settings_of
from tests.release.repository import HELM, needs_helm, write_repository
from tests.stacks.builders import texts, values

pytestmark = needs_helm
TEMPLATES = "helm-charts/guestbook/templates"
OWN = "environments/dev/guestbook/values.yaml"
CANARY = "canary-0b9f"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    address = "https://{service}.{environment}.example.com"
    stack = values(environments=[{"name": "dev", "images": "main", "url": address}])
    stack["services"].append({"name": "reports", "template": "python-web", "team": "web"})
    return write_repository(tmp_path_factory.mktemp("repository"), stack)


@pytest.fixture
def tree(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setenv("HELM", str(HELM))
    monkeypatch.setenv("PROMOTER_PRIVATE_KEY", CANARY)
    shutil.copytree(template, tmp_path / "head")
    (tmp_path / "secret.yaml").write_text(f"secret: {CANARY}\n")
    return Tree(tmp_path / "head")


def attack(tree: Tree, **files: str) -> None:
    for name, text in files.items():
        (tree.folder / TEMPLATES / f"{name}.yaml").write_text(text)


def thing(kind: str, version: str, name: str, metadata: str = "", body: str = "") -> str:
    more = f", {metadata}" if metadata else ""
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}{more}}}\n{body}\n"


HOOK = 'annotations: {"helm.sh/hook": pre-install}'
SYNC_HOOK = 'annotations: {"argocd.argoproj.io/hook": PreSync}'
RBAC = "rbac.authorization.k8s.io"
UNRELEASED = f"ghcr.io/acme/guestbook@sha256:{'e' * 64}"
TRACKED = "argocd.argoproj.io/tracking-id"
ROUTE = ("HTTPRoute", "gateway.networking.k8s.io/v1")
INGRESS = ("Ingress", "networking.k8s.io/v1")
INJECTED = r"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ print "a\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: injected" }}
"""
ATTEMPTS: dict[str, tuple[str, str]] = {
    "rights": (thing("ClusterRoleBinding", f"{RBAC}/v1", "rights"), f"does not permit {RBAC}/ClusterRoleBinding"),
    "hook": (thing("ClusterRole", f"{RBAC}/v1", "hook", HOOK), f"does not permit {RBAC}/ClusterRole"),
    "tested": (
        thing("ClusterRole", f"{RBAC}/v1", "tested", 'annotations: {"helm.sh/hook": "test,pre-install"}'),
        f"ClusterRole 'tested': Argo CD's AppProject does not permit {RBAC}/ClusterRole",
    ),
    "presync": (thing("RoleBinding", f"{RBAC}/v1", "presync", SYNC_HOOK), f"does not permit {RBAC}/RoleBinding"),
    "elsewhere": (thing("ConfigMap", "v1", "elsewhere", "namespace: kube-system"), "is in namespace 'kube-system'"),
    "neighbour": (thing("ConfigMap", "v1", "neighbour", "namespace: other-dev"), "is in namespace 'other-dev'"),
    "more": (thing("Application", "argoproj.io/v1alpha1", "more"), "belongs to the platform's Pulumi program"),
    "project": (thing("AppProject", "argoproj.io/v1alpha1", "project"), "belongs to the platform's Pulumi program"),
    "webhook": (
        thing("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "webhook"),
        "does not permit admissionregistration.k8s.io/MutatingWebhookConfiguration",
    ),
    "secret": (thing("Secret", "v1", "secret", body="stringData: {a: b}"), "does not permit Secret"),
    "open": (thing("NetworkPolicy", "networking.k8s.io/v1", "open"), "does not permit networking.k8s.io/NetworkPolicy"),
    "injected": (INJECTED, "does not permit Namespace"),
    "written": ("{{ tpl .Values.written . }}\n", f"does not permit {RBAC}/Role"),
    "addresses": (
        thing("Service", "v1", "addresses", body="spec: {externalIPs: [192.0.2.1]}"),
        "spec.externalIPs takes traffic of other addresses",
    ),
    "alias": (
        thing("Service", "v1", "alias", body="spec: {type: ExternalName, externalName: db.reports-dev.svc}"),
        "spec.externalName leads into namespace 'reports-dev'",
    ),
    "host": (
        thing(*INGRESS, "host", body="spec: {rules: [{host: Reports.dev.example.com}]}"),
        "host 'Reports.dev.example.com' is that of reports-dev",
    ),
    "hosts": (
        thing(*INGRESS, "hosts", body="spec: {rules: [{host: '*.dev.example.com'}]}"),
        "host '*.dev.example.com'",
    ),
    "route": (
        thing(
            "HTTPRoute", "gateway.networking.k8s.io/v1", "route", body="spec: {hostnames: [reports.dev.example.com]}"
        ),
        "HTTPRoute 'route': host 'reports.dev.example.com' is that of reports-dev",
    ),
    "tracked": (
        thing(
            "StatefulSet",
            "apps/v1",
            "tracked",
            body=f"spec: {{volumeClaimTemplates: [{{metadata: {{annotations: {{{TRACKED}: reports-dev}}}}}}]}}",
        ),
        f"{TRACKED} would make it another Application's",
    ),
    "token": (
        thing(
            "ServiceMonitor",
            "monitoring.coreos.com/v1",
            "token",
            body="spec: {endpoints: [{bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token}]}",
        ),
        "bearerTokenFile has Prometheus log in with a file of its own",
    ),
    "dns": (
        thing(
            "Service",
            "v1",
            "dns",
            'annotations: {"external-dns.alpha.kubernetes.io/hostname": "a.b,reports.dev.example.com"}',
        ),
        "hostname: host 'reports.dev.example.com' is that of reports-dev",
    ),
    "list": (
        (
            "apiVersion: v1\nkind: List\n"
            "items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: listed, namespace: reports-dev}}]\n"
        ),
        "ConfigMap 'listed': is in namespace 'reports-dev'",
    ),
    "merged": (
        f"base: &base {{kind: ClusterRole}}\napiVersion: {RBAC}/v1\n<<: *base\nmetadata: {{name: merged}}\n",
        f"does not permit {RBAC}/ClusterRole",
    ),
    "unreleased": (
        thing("Pod", "v1", "unreleased", body=f"spec: {{containers: [{{name: a, image: '{UNRELEASED}'}}]}}"),
        f"image {UNRELEASED} is not released here",
    ),
    "mounted": (
        thing(
            "Pod",
            "v1",
            "mounted",
            body=f"spec: {{volumes: [{{name: a, image: {{reference: '{UNRELEASED}'}}}}], containers: [{{name: a}}]}}",
        ),
        f"Pod 'mounted': image {UNRELEASED} is not released here",
    ),
    "urgent": (
        thing("Pod", "v1", "urgent", body="spec: {priorityClassName: system-node-critical, containers: [{name: a}]}"),
        "makes Kubernetes end pods of others",
    ),
    "haproxy": (
        thing(*INGRESS, "haproxy", 'annotations: {"haproxy-ingress.github.io/config-global": "x"}'),
        "annotation haproxy-ingress.github.io/config-global puts text into the configuration",
    ),
    "certificate": (
        thing(
            *INGRESS, "certificate", 'annotations: {"nginx.ingress.kubernetes.io/proxy-ssl-secret": reports-dev/client}'
        ),
        "proxy-ssl-secret names what 'reports-dev' has; name something of 'guestbook-dev'",
    ),
    "headers": (
        thing(*INGRESS, "headers", 'annotations: {"nginx.ingress.kubernetes.io/custom-headers": reports-dev/settings}'),
        "custom-headers names what 'reports-dev' has",
    ),
    "authority": (
        thing(*INGRESS, "authority", 'annotations: {"haproxy.org/server-crt": "secret://reports-dev/client"}'),
        "haproxy.org/server-crt names what 'reports-dev' has",
    ),
    "file": (
        thing(*INGRESS, "file", 'annotations: {"haproxy-ingress.github.io/auth-secret": "file:///etc/passwd"}'),
        "auth-secret names what 'file:///etc' has",
    ),
    "regular": (
        thing(
            *INGRESS,
            "regular",
            'annotations: {"traefik.ingress.kubernetes.io/router.pathmatcher": PathRegexp}',
            "spec: {rules: [{http: {paths: [{path: '/.*'}]}}]}",
        ),
        "router.pathmatcher with a rule for every host takes the traffic of others",
    ),
    "long": (
        thing(*INGRESS, "long", body=f"spec: {{rules: [{{http: {{paths: [{{path: '/{'a' * 36}'}}]}}}}]}}"),
        f"path '/{'a' * 36}' for every host may come before the hosts of others",
    ),
    "unseen": (
        thing("Deployment", "apps/v1", "unseen", 'annotations: {"argocd.argoproj.io/ignore-healthcheck": "true"}'),
        "Deployment 'unseen': annotation argocd.argoproj.io/ignore-healthcheck has every release verified",
    ),
    "skipped": (
        thing("Deployment", "apps/v1", "skipped", 'annotations: {"argocd.argoproj.io/hook": Skip}'),
        "Deployment 'skipped': annotation argocd.argoproj.io/hook has every release verified",
    ),
    "failed": (
        thing("StatefulSet", "apps/v1", "failed", 'annotations: {"argocd.argoproj.io/hook": SyncFail}'),
        "StatefulSet 'failed': annotation argocd.argoproj.io/hook has every release verified",
    ),
    "untried": (
        thing("Deployment", "apps/v1", "untried", 'annotations: {"helm.sh/hook": test}'),
        "Deployment 'untried': annotation helm.sh/hook has every release verified",
    ),
    "seldom": (
        thing("CronJob", "batch/v1", "seldom", 'annotations: {"argocd.argoproj.io/ignore-healthcheck": "true"}'),
        "CronJob 'seldom': annotation argocd.argoproj.io/ignore-healthcheck has every release verified",
    ),
    "stays": (
        thing("ConfigMap", "v1", "stays", "finalizers: [example.com/never]"),
        "metadata.finalizers keep it, and so its namespace",
    ),
    "snippet": (
        thing(*INGRESS, "snippet", 'annotations: {"nginx.ingress.kubernetes.io/configuration-snippet": "x;"}'),
        "puts text into the configuration that all services share",
    ),
}


def test_nothing_in_a_chart_leaves_its_namespace(tree: Tree) -> None:
    written = thing("Role", f"{RBAC}/v1", "written").replace("\n", "\\n")
    (tree.folder / TEMPLATES.replace("templates", "values.schema.json")).unlink()
    (tree.folder / OWN).write_text(f'written: "{written}"\n')
    attack(tree, **{name: text for name, (text, _) in ATTEMPTS.items()})
    told = "\n".join(map(str, check.problems(tree)))
    assert ATTEMPTS
    assert [name for name, (_, words) in ATTEMPTS.items() if words not in told] == [], told


@pytest.mark.parametrize(
    "path",
    [
        "helm-charts/guestbook/.argocd-source.yaml",
        "helm-charts/guestbook/.argocd-source-guestbook-dev.yaml",
        "apps/guestbook/.argocd-source.yaml",
        ".gitmodules",
    ],
)
def test_argo_cd_is_not_told_to_render_otherwise(tree: Tree, path: str) -> None:
    """It merges such a file into the Application, whose values would then be the file's and not the release's."""
    (tree.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (tree.folder / path).write_text("helm: {parameters: [{name: release.digest, value: x}]}\n")
    assert f"{path}: " in "\n".join(map(str, check.problems(tree)))


@pytest.mark.parametrize(
    "line",
    [
        "approval.py working-tree-encoding=UTF-7",
        "*\rworking-tree-encoding=UTF-7",
        "* text filter=lfs",
        "release.yaml ident",
        "*.py export-ignore",
        "*.py export-subst",
        "[attr]plain working-tree-encoding=UTF-7",
        '"a b" working-tree-encoding=UTF-7',
    ],
)
@pytest.mark.parametrize("folder", [".", "environments/production", "helm-charts/guestbook"])
def test_nothing_is_read_otherwise_than_git_has_it(tree: Tree, folder: str, line: str) -> None:
    """Git writes `a + b` as `a +- b` in UTF-7: what is reviewed is then not what runs."""
    file = tree.folder / folder / ".gitattributes"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"*.tgz binary\n{line}\n")
    (problem,) = tenancy.check_files(tree)
    assert (problem.path, problem.line) == (file.relative_to(tree.folder).as_posix(), 2)
    assert "would read other files than Git has" in problem.text


@pytest.mark.parametrize("content", [b"* filter=lfs # \xe9\n", "* filter=lfs\n".encode("utf-16")])
def test_attributes_that_cannot_be_read_are_refused(tree: Tree, content: bytes) -> None:
    """Git reads them all the same."""
    (tree.folder / ".gitattributes").write_bytes(content)
    (problem,) = tenancy.check_files(tree)
    assert "save it as UTF-8" in problem.text


def test_attributes_that_leave_files_as_they_are_may_be_set(tree: Tree) -> None:
    lines = ["# of ours", "", "* text=auto eol=lf", "*.svg -text -diff", '"a b/*" linguist-vendored merge=union']
    (tree.folder / ".gitattributes").write_text("\n".join([*lines, "charts/*.tgz binary", ""]))
    assert tenancy.check_files(tree) == []


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("helm-charts/guestbook/node_modules/out", "/etc/passwd"),
        ("apps/__pycache__/out", "../../../etc/passwd"),
        ("out", "../head/README.md"),
        ("apps/more/out", "../../dev/../../README.md"),
        ("out", "dev/../../environments/dev"),
        ("out", "dev/../../../outside"),
    ],
)
def test_no_link_stops_argo_cd_from_reading_the_whole_repository(tree: Tree, path: str, target: str) -> None:
    """It reads links by their words, wherever they lie; other links on the way lead this check elsewhere."""
    (tree.folder / "dev").symlink_to("environments/dev")
    (tree.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (tree.folder / path).symlink_to(target)
    (problem,) = rules.check_links(tree)
    assert (problem.path, "Argo CD then reads nothing" in problem.text) == (path, True)


def test_a_link_that_stays_inside_or_goes_in_a_circle_stops_nothing(tree: Tree) -> None:
    for name, target in (("apps/in", "../environments/dev"), ("round", "round"), ("a", "b"), ("b", "a")):
        (tree.folder / name).parent.mkdir(exist_ok=True)
        (tree.folder / name).symlink_to(target)
    assert rules.check_links(tree) == []


def test_folders_that_guard_the_rest_are_no_links(tree: Tree) -> None:
    """GitHub and CODEOWNERS know what a link leads to by another name."""
    for name in (".slipway", ".github", "infrastructure", "environments"):
        (tree.folder / name).rename(tree.folder / f"more-{name}")
        (tree.folder / name).symlink_to(f"more-{name}")
    assert {problem.path for problem in rules.check_links(tree)} == {
        ".slipway", ".github", "infrastructure", "environments"
    }  # fmt: skip


def test_the_chart_of_helm_create_is_let_in_once_it_runs_the_release(tree: Tree, tmp_path: Path) -> None:
    """Its test is a Pod of any image, which `helm test` runs and Argo CD does not. Its pods ask for no security."""
    subprocess.run([str(HELM), "create", "guestbook"], cwd=tmp_path, check=True, capture_output=True)
    chart = tree.folder / "helm-charts/guestbook"
    shutil.rmtree(chart)
    shutil.copytree(tmp_path / "guestbook", chart)
    deployment = chart / "templates/deployment.yaml"
    image = "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
    text = deployment.read_text()
    assert image in text
    deployment.write_text(text.replace(image, "{{ .Values.release.image }}@{{ .Values.release.digest }}"))
    attack(
        tree,
        more=thing(
            "StatefulSet",
            "apps/v1",
            "more",
            body="spec: {selector: {matchExpressions: [{key: app, operator: Exists}]}, template: {metadata: {labels:"
            " {app: a}}, spec: {containers: [{name: a, image: 'ghcr.io/acme/redis@sha256:" + "a" * 64 + "'}]}}}",
        ),
    )
    assert (chart / "templates/tests/test-connection.yaml").is_file()
    assert all("Pod Security restricted" in problem.text for problem in check.problems(tree))
    file = tree.folder / ".slipway/platform.json"
    content = json.loads(file.read_text())
    for environment in content["environments"]:
        environment["podSecurity"] = "baseline"
    file.write_text(json.dumps(content))
    assert check.problems(tree) == []


def test_what_reaches_nothing_of_others_is_let_be(tree: Tree) -> None:
    """Git reads one file of submodules, and a certificate authority is only what Prometheus checks others by."""
    secret = 'annotations: {"nginx.ingress.kubernetes.io/auth-secret": guestbook-dev/users}'
    attack(
        tree,
        entry=thing(*INGRESS, "entry", secret, "spec: {rules: [{host: guestbook.dev.example.com}]}"),
        every=thing(
            *INGRESS,
            "every",
            body="spec: {rules: [{http: {paths: [{path: /guestbook/administration, pathType: Prefix, backend: "
            "{service: {name: web, port: {number: 80}}}}]}}]}",
        ),
        monitor=thing(
            "ServiceMonitor",
            "monitoring.coreos.com/v1",
            "monitor",
            body="spec: {endpoints: [{port: http, tlsConfig: {caFile: /etc/ca.crt}}]}",
        ),
        database=thing("Service", "v1", "database", body="spec: {type: ExternalName, externalName: db.example.com}"),
    )
    (tree.folder / "helm-charts/guestbook/files").mkdir(exist_ok=True)
    (tree.folder / "helm-charts/guestbook/files/.gitmodules").write_text("[submodule]\n")
    assert check.problems(tree) == []


def test_hosts_of_the_platform_are_not_services(tree: Tree) -> None:
    file = tree.folder / ".slipway/platform.json"
    content = json.loads(file.read_text())
    content["argocd"]["url"] = "https://argocd.example.com/"
    file.write_text(json.dumps(content))
    attack(tree, taken=thing(*INGRESS, "taken", body="spec: {rules: [{host: argocd.example.com}]}"))
    assert "host 'argocd.example.com' is that of Argo CD" in "\n".join(map(str, check.problems(tree)))


@pytest.mark.parametrize("name", ["{image}", "{image}:1.0.0"])
def test_a_chart_does_not_run_an_image_of_its_service_that_was_not_released(tree: Tree, name: str) -> None:
    service, environment = next(iter(tree.placements()))
    digest = f"sha256:{'c' * 64}"
    release = ReleaseFile(Release("1.0.0", "v1.0.0", service.image, digest, "d" * 40, ""))
    path = tree.folder / release_path(environment.name, service.name)
    path.write_text(release.dump())
    assert check.problems(tree) == []
    image = f"{name.format(image=service.image)}@sha256:{'e' * 64}"
    body = f"spec: {{containers: [{{name: a, image: '{image}'}}]}}"
    attack(tree, more=thing("Pod", "v1", "more", body=body))
    assert f"image {image} is not that of the release, 1.0.0" in "\n".join(map(str, check.problems(tree)))


READS = {
    "cluster": 'lookup "v1" "Secret" "argocd" "" | toJson',
    "files": 'print (.Files.Get "../../../secret.yaml") (.Files.Get "/etc/hostname")',
    "outside": '(.Files.Glob "../../../*").AsConfig',
    "names": 'getHostByName "github.com"',
}


def test_a_chart_reads_neither_the_cluster_nor_files_beside_it_nor_asks_for_names(tree: Tree) -> None:
    text = "\n".join(f"  {name}: {{{{ {expression} | quote }}}}" for name, expression in READS.items())
    attack(tree, reads=thing("ConfigMap", "v1", "reads", body=f"data:\n{text}"))
    found = rendered(tree)
    assert found.problems == []
    (reads,) = (item for item in found.manifests if secrets.name_of(item) == "reads")
    assert reads["data"] == {"cluster": "{}", "files": "", "outside": "{}", "names": ""}


@pytest.mark.parametrize("function", ['env "PROMOTER_PRIVATE_KEY"', 'expandenv "$PROMOTER_PRIVATE_KEY"'])
def test_a_chart_does_not_read_the_runners_variables(tree: Tree, function: str) -> None:
    attack(tree, key=thing("ConfigMap", "v1", "key", body=f"data: {{key: {{{{ {function} | quote }}}}}}"))
    (problem,) = rendered(tree).problems
    assert "does not render" in str(problem)
    assert CANARY not in str(problem)


@pytest.mark.parametrize("target", ["../../../../secret.yaml", "/etc/hostname"])
def test_values_that_are_a_link_are_refused_and_not_read(tree: Tree, target: str) -> None:
    (tree.folder / OWN).unlink()
    (tree.folder / OWN).symlink_to(target)
    told = "\n".join(map(str, check.problems(tree)))
    assert OWN in told
    assert CANARY not in told


def test_values_that_grow_without_end_are_refused(tree: Tree) -> None:
    """Each line is nine times the one before it."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (tree.folder / OWN).write_text("\n".join(lines) + "\n")
    told = "\n".join(map(str, check.problems(tree)))
    assert OWN.removesuffix("/values.yaml") in told
    assert len(told) < 100_000


def test_an_app_project_names_what_it_permits(tree: Tree) -> None:
    settings = settings_of("test", texts(values()))
    for environment in settings.environments:
        spec: dict[str, Any] = app_project(settings, environment)["spec"]
        assert "*" not in json.dumps(spec)
        assert spec["clusterResourceWhitelist"] == []
        assert [place["namespace"] for place in spec["destinations"]] == [f"guestbook-{environment.name}"]
        assert spec["sourceRepos"] == [settings.github.environment_repository_url]


def rendered(tree: Tree) -> charts.Rendered:
    service, environment = next(iter(tree.placements()))
    with Builds() as builds:
        return charts.render(tree, service, environment, builds, sample=True)
