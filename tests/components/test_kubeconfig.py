"""A kubeconfig that Kubernetes' client or the provider would refuse or read otherwise is named before it is used."""

import base64
import datetime
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubernetes.config
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from components.argocd.cluster_api import call
from components.argocd.kubeconfig import opened
from tests.keys import pem, rsa_key

SERVER = "https://127.0.0.1:9"
BETA = "client.authentication.k8s.io/v1beta1"


def document(user: Any = None, cluster: Any = None, **parts: Any) -> dict[str, Any]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        **parts,
    }


def client(folder: Path, content: str | bytes | dict[str, Any], context: str = "here") -> Any:
    path = folder / "kubeconfig"
    text = yaml.safe_dump(content) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return opened(str(path), context, "cluster.context")


def problems(folder: Path, content: str | bytes | dict[str, Any], context: str = "here") -> list[str]:
    found = client(folder, content, context)
    assert isinstance(found, list), "it was opened"
    assert all(text.startswith(("cluster.context: ", "cluster.kubeconfig: ")) and "\n" not in text for text in found)
    return found


def data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def certificate(name: str, days: int = 1) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    builder = x509.CertificateBuilder(subject, subject, rsa_key(name).public_key(), 1)
    valid = builder.not_valid_before(end - datetime.timedelta(days=30)).not_valid_after(end)
    return valid.sign(rsa_key(name), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("part", "content", "said"),
    [
        ("contexts", {"here": {"cluster": "c", "user": "u"}}, "contexts is not a list"),
        ("contexts", ["here"], "contexts[0] is not a mapping"),
        ("users", [{"name": 1, "user": {"token": "t"}}], "users[0].name is not a text; quote it"),
        ("users", [{"name": "u", "user": {"token": 123}}], "users[0].user.token is not a text"),
        ("users", [{"name": "u", "user": {"exec": "aws eks get-token"}}], "users[0].user.exec is not a mapping"),
        ("users", [{"name": "u", "user": {"exec": {"command": "aws", "args": "eks"}}}], "exec.args is not a list"),
        (
            "clusters",
            [{"name": "c", "cluster": {"insecure-skip-tls-verify": "true"}}],
            "insecure-skip-tls-verify is neither true nor false",
        ),
        ("kind", "Deployment", "kind is not Config"),
    ],
)
def test_a_part_of_the_wrong_form_is_named_by_its_place(tmp_path: Path, part: str, content: Any, said: str) -> None:
    assert any(said in text for text in problems(tmp_path, document(**{part: content})))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (yaml.safe_dump(document()) + "users: []\n", "'users' is there twice"),
        (json.dumps(document()).encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("[" * 3000, "nested more than"),
        ("? [a]\n: b\n", "a list where a key must stand"),
        ("# nothing\n", "it is not a kubeconfig"),
        ("contexts:\n\t- name: here\n", "line 2: a tab"),
        (yaml.safe_dump(document()).replace("name: here", "name: on"), "contexts[0].name is not a text; quote it"),
    ],
    ids=["twice", "utf-16", "deep", "list-as-key", "comment", "tab", "on"],
)
def test_a_text_that_kubernetes_reads_otherwise_is_named_with_its_line(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    assert said in problems(tmp_path, content)[0]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(document(), indent="\t").encode(),
        b"\xef\xbb\xbf" + json.dumps(document()).encode(),
        yaml.safe_dump(document()).replace("\n", "\r\n").encode(),
        yaml.safe_dump(document(preferences={}, extensions=None)).encode() + b"current-context: ''\n",
        b"---\n" + yaml.safe_dump(document(apiVersion="v1", kind="Config")).encode(),
    ],
    ids=["json-with-tabs", "bom", "crlf", "no-current-context", "marker"],
)
def test_whatever_kubectl_reads_is_opened(tmp_path: Path, content: bytes) -> None:
    assert client(tmp_path, content).configuration.host == SERVER


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({}, "has no token, certificate or program"),
        ({"token": "REDACTED"}, "was left out of"),
        ({"tokenFile": "token"}, "the relative path token"),
        ({"tokenFile": "/nowhere/token"}, "/nowhere/token, cannot be read: No such file or directory"),
        ({"username": "dana"}, "a username or a password alone"),
        ({"client-certificate-data": data(certificate("web"))}, "has no client-key beside its other half"),
        ({"client-certificate-data": "###", "client-key-data": data(pem("web"))}, "(-data) is not base64"),
        ({"client-certificate": "a.crt", "client-key": "/a.key"}, "the relative path a.crt"),
        (
            {"client-certificate-data": data("x"), "client-key-data": data(pem("web"))},
            "client-certificate of here (-data) is not one in PEM form",
        ),
        (
            {"client-certificate-data": data(certificate("web")), "client-key-data": data(pem("argocd"))},
            "the client-key of here is not that of its client-certificate",
        ),
        (
            {"client-certificate-data": data(certificate("web", -1)), "client-key-data": data(pem("web"))},
            "the client-certificate of here ended at",
        ),
        (
            {"client-certificate-data": data(certificate("web")), "client-key-data": data("x")},
            "client-key of here (-data) is not one in PEM form",
        ),
        ({"exec": {"apiVersion": BETA}}, "has no command"),
        ({"exec": {"command": "true"}}, "has no apiVersion"),
        ({"exec": {"command": "./login", "apiVersion": BETA}}, "use an absolute path"),
        ({"exec": {"command": "/nowhere/login", "apiVersion": BETA}}, "which is not a program; install it"),
        ({"exec": {"command": "nowhere", "apiVersion": BETA, "installHint": "see\nthere"}}, "install it (see there)"),
        ({"exec": {"command": "true", "apiVersion": "client.authentication.k8s.io/v1"}}, "has no interactiveMode"),
        (
            {"exec": {"command": "true", "apiVersion": "client.authentication.k8s.io/v1alpha1"}},
            "Kubernetes has removed",
        ),
    ],
)
def test_a_user_that_cannot_log_in_is_named(tmp_path: Path, user: dict[str, Any], said: str) -> None:
    found = problems(tmp_path, document(user))
    assert any(said in text for text in found), found
    assert "MII" not in str(found)


@pytest.mark.parametrize(("content", "said"), [("", "is empty"), (" \n", "is empty"), ("a\nb", "no token has")])
def test_a_token_file_that_holds_no_token_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "token").write_text(content)
    (problem,) = problems(tmp_path, document({"tokenFile": f"{tmp_path}/token"}))
    assert said in problem


@pytest.mark.parametrize(
    ("user", "cluster"),
    [
        ({"token": "t", "tokenFile": "token"}, {}),
        ({"exec": {"command": "true", "apiVersion": BETA.replace("beta1", ""), "interactiveMode": "Never"}}, {}),
        ({"token": "t"}, {"insecure-skip-tls-verify": True}),
        ({"token": "t"}, {"certificate-authority-data": data(certificate("web"))}),
    ],
)
def test_what_is_complete_has_no_such_problem(tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any]) -> None:
    found = client(tmp_path, document(user, cluster))
    said = found if isinstance(found, list) else []
    assert not [text for text in said if "tokenFile" in text or "interactiveMode" in text or "insecure-" in text]


@pytest.mark.parametrize("error", [kubernetes.config.ConfigException("not\nthis"), TypeError("hush")])
def test_what_the_client_stumbles_over_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def stumble(*_given: Any, **_named: Any) -> None:
        raise error

    monkeypatch.setattr(kubernetes.config, "load_kube_config_from_dict", stumble)
    (problem,) = problems(tmp_path, document())
    assert "cluster.context: here cannot be used" in problem
    assert "hush" not in problem


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        ({"certificate-authority-data": "DATA+OMITTED"}, "was left out of the file"),
        ({"certificate-authority-data": certificate("web")}, "is not base64"),
        ({"certificate-authority-data": data(pem("web"))}, "is not one in PEM form"),
        ({"certificate-authority": "ca.crt"}, "the relative path ca.crt"),
        ({"certificate-authority": "/nowhere/ca.crt"}, "/nowhere/ca.crt, cannot be read"),
        ({"certificate-authority": "/ca.crt", "certificate-authority-data": data(certificate("web"))}, "given twice"),
        (
            {"insecure-skip-tls-verify": True, "certificate-authority-data": data(certificate("web"))},
            "remove insecure-skip-tls-verify",
        ),
        ({"server": "https://127.0.0.1:99999"}, "the address of here is"),
        *(
            ({"server": server}, "the address of here is")
            for server in ("https://[::1", "https://a b", "ftp://127.0.0.1", "https://", "https://:6443", "https://a:0")
        ),
        ({"insecure-skip-tls-verify": True, "certificate-authority": "/ca.crt"}, "remove insecure-skip-tls-verify"),
        ({"server": "https://127.0.0.1\n"}, "the address of here is"),
        ({"server": "https://dana:hush@127.0.0.1"}, "has a credential in it"),
        ({"proxy-url": "dana:hush@proxy.example:3128"}, "the proxy-url of here is not an address"),
    ],
)
def test_a_cluster_that_cannot_be_reached_or_trusted_is_named(
    tmp_path: Path, cluster: dict[str, Any], said: str
) -> None:
    found = problems(tmp_path, document(cluster=cluster))
    assert any(said in text for text in found), found
    assert "hush" not in str(found)


def test_all_that_is_wrong_with_a_context_is_said_at_once(tmp_path: Path) -> None:
    context = {"name": "here", "context": {"cluster": "x", "user": "u"}}
    assert len(problems(tmp_path, document({"token": "h\u00fcsh"}, contexts=[context, context]))) == 3


def test_a_context_without_a_cluster_or_a_user_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, document(contexts=[{"name": "here", "context": None}]))
    assert ["here names no cluster; correct it there" in found[0], "here names no user" in found[1]] == [True, True]


@pytest.mark.parametrize(
    ("kubeconfig", "said"),
    [
        (".", "is a folder; name the file in it"),
        ("~no-such-account/config", "is not the path of a file"),
        (f"/{'a' * 5000}", "is not the path of a file"),
        ("$HOME/.kube/none", "variables are not filled in"),
        ("file:///home/dana/.kube/none", "is an address; use the path of a file"),
    ],
)
def test_a_path_that_leads_to_no_file_is_named(kubeconfig: str, said: str) -> None:
    (found,) = opened(kubeconfig, "here", "cluster.context")
    assert found.startswith("cluster.kubeconfig: ")
    assert said in found


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    client(tmp_path, document())
    (tmp_path / "kubeconfig").chmod(0)
    (found,) = opened(str(tmp_path / "kubeconfig"), "here", "cluster.context")
    assert "Permission denied" in found


@pytest.fixture
def asked() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers everything, and the headers that it was asked with."""
    headers: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            del args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", headers
        server.shutdown()


def test_a_token_file_may_end_with_a_line_break(tmp_path: Path, asked: tuple[str, list[dict[str, str]]]) -> None:
    (tmp_path / "token").write_text("t\n")
    call(client(tmp_path, document({"tokenFile": f"{tmp_path}/token"}, {"server": asked[0]})), "GET", "/version")
    assert asked[1][0]["authorization"] == "Bearer t"


def test_a_proxy_is_given_the_credential_of_its_address(
    tmp_path: Path, asked: tuple[str, list[dict[str, str]]]
) -> None:
    proxy = asked[0].replace("://", "://dana:h%40sh@")
    call(
        client(tmp_path, document(cluster={"server": "http://cluster.example", "proxy-url": proxy})), "GET", "/version"
    )
    headers = {name.lower(): value for name, value in asked[1][0].items()}
    assert headers["proxy-authorization"] == f"Basic {data('dana:h@sh')}"
