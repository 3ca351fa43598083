"""Secrets are encrypted, stay secret, and are put right where what was meant is certain."""

import base64
import json
import textwrap
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from manifests.model.credentials import CredentialError, private_key, token
from stacks import nested_secrets
from stacks.nested_secrets import parted, unveiled, with_hidden
from stacks.problems import SettingsError
from stacks.secrets import SECRETS
from stacks.settings import settings_of
from tests.components.builders import platform
from tests.keys import pem, rsa_key
from tests.recorder import is_secret, plain
from tests.stacks.builders import changed, texts, values


def problems(stack: dict[str, Any], encrypted: list[str] | None = None) -> dict[str, str]:
    with pytest.raises(SettingsError) as raised:
        settings_of("test", texts(stack), list(SECRETS) if encrypted is None else encrypted)
    return {problem.path: problem.text for problem in raised.value.problems}


# Tokens


@pytest.mark.parametrize("around", ["ghp_x\r", "ghp_x\n", " ghp_x", "ghp_x\r\n", "\tghp_x ", "ghp_x\u00a0"])
def test_what_is_pasted_around_a_token_is_left_out(around: str) -> None:
    assert token(around) == "ghp_x"


@pytest.mark.parametrize(
    "text",
    ["gh p_x", "gh\np_x", "ghp_\u00fc", "\u200bghp_x", "ghp_x\u200b", '"ghp_x"', "'ghp_x'", "Bearer ghp_x", "gh\0x"],
)
def test_a_token_that_cannot_be_one_is_refused_and_never_shown(text: str) -> None:
    found = problems(changed("githubToken", text))
    assert "pulumi config set --secret slipway:githubToken" in found["githubToken"]
    assert "ghp_x" not in str(found)
    assert "p_" not in str(found)


def test_providers_get_the_token_that_was_meant() -> None:
    assert plain(platform(changed("githubToken", "ghp_x\r\n")).one("github").inputs["token"]) == "ghp_x"
    assert plain(platform(changed("webhookSecret", " hush\n")).one("environments-argocd-webhook").inputs)[
        "configuration"
    ]["secret"] == ("hush")


@pytest.mark.parametrize("key", ["githubToken", "promoterPrivateKey", "webhookSecret"])
def test_a_secret_in_clear_text_is_refused(key: str) -> None:
    found = problems(values(), [secret for secret in SECRETS if secret != key])
    assert list(found) == [key]
    assert f"pulumi config set --secret slipway:{key}" in found[key]


# Private keys


def pkcs8(name: str) -> str:
    return (
        rsa_key(name)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def openssh(name: str) -> str:
    form = serialization.PrivateFormat.OpenSSH
    return rsa_key(name).private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def locked(name: str, form: serialization.PrivateFormat) -> str:
    encryption = serialization.BestAvailableEncryption(b"phrase")
    return rsa_key(name).private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def public(name: str) -> str:
    key = rsa_key(name).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


KEY = pem("argocd")


@pytest.mark.parametrize(
    "pasted",
    [
        KEY,
        KEY.strip(),
        KEY.replace("\n", "\r\n"),
        KEY.replace("\n", "\\n"),
        KEY.replace("\n", "\\r\\n"),
        KEY.replace("\n", " "),
        f'"{KEY}"',
        f"\ufeff{KEY}",
        textwrap.indent(KEY, "    "),
        base64.b64encode(KEY.encode()).decode(),
        base64.encodebytes(KEY.encode()).decode(),
        pkcs8("argocd"),
        openssh("argocd"),
    ],
    ids=[
        *("file", "stripped", "crlf", "escaped", "escaped-crlf", "one-line", "quoted", "bom", "indented", "base64"),
        *("wrapped-base64", "pkcs8", "openssh"),
    ],
)
def test_a_key_that_can_be_read_is_brought_into_the_form_of_githubs_file(pasted: str) -> None:
    assert private_key(pasted) == KEY


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("key", "not a private key"),
        ("SHA256:abcdef", "not a private key"),
        ("Iv1.0123456789abcdef", "not a private key"),
        (public("argocd"), "public key"),
        (elliptic(), "not an RSA key"),
        (locked("argocd", serialization.PrivateFormat.PKCS8), "passphrase"),
        (locked("argocd", serialization.PrivateFormat.TraditionalOpenSSL), "passphrase"),
        (openssh("argocd").replace("b3BlbnNzaC", "b3BlbnNzaD"), "passphrase"),
        (KEY.replace("MII", "MI"), "damaged"),
        (KEY.rpartition("-----END")[0], "its end is missing"),
        (KEY + pem("promoter"), "2 PEM blocks"),
    ],
)
def test_a_key_that_is_none_is_refused_in_a_sentence(pasted: str, said: str) -> None:
    with pytest.raises(CredentialError, match=said) as raised:
        private_key(pasted)
    assert "MII" not in str(raised.value)
    found = problems(changed("argocdPrivateKey", pasted))
    assert "pulumi config set --secret slipway:argocdPrivateKey" in found["argocdPrivateKey"]


def test_one_key_for_two_apps_is_refused() -> None:
    assert "promoterPrivateKey" in problems(changed("requesterPrivateKey", pkcs8("promoter")))["requesterPrivateKey"]


def test_repositories_and_argo_cd_get_the_key_in_one_form() -> None:
    recording = platform(changed("argocdPrivateKey", KEY.replace("\n", "\\n")))
    assert plain(recording.one("argocd-repository-secret").inputs["stringData"])["githubAppPrivateKey"] == KEY


# Secrets inside of a section

SECRET = "client-secret"
OWN: dict[str, Any] = {
    "configs": {"secret": {"extra": {"dex.github.clientSecret": SECRET}}, "cm": {"exec.enabled": "false"}},
    "server": {"extraArgs": ["--one", SECRET]},
    "replicas": 2,
}
WRITTEN = json.loads(json.dumps(OWN).replace(json.dumps(SECRET), '{"secure": "v1:abc"}'))


@pytest.fixture
def stack_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack file `test`, in which two of Argo CD's values are encrypted."""
    monkeypatch.setattr(nested_secrets, "FOLDER", tmp_path)
    (tmp_path / "Pulumi.test.yaml").write_text(json.dumps({"config": {"slipway:argocd": {"values": WRITTEN}}}))


@pytest.mark.usefixtures("stack_file")
def test_a_value_is_secret_where_the_stack_file_says_so() -> None:
    shown, hidden = parted(with_hidden("test", {"values": OWN}))
    assert SECRET not in json.dumps(shown)
    assert shown["values"] == {
        "configs": {"secret": {"extra": {}}, "cm": {"exec.enabled": "false"}},
        "server": {},
        "replicas": 2,
    }
    assert unveiled(hidden, str)["values"] == {
        "configs": {"secret": {"extra": {"dex.github.clientSecret": SECRET}}},
        "server": {"extraArgs": ["--one", SECRET]},
    }


@pytest.mark.usefixtures("stack_file")
@pytest.mark.parametrize("other", ["unknown", "test"])
def test_where_the_stack_file_is_another_one_every_text_is_secret(other: str) -> None:
    shown, _ = parted(with_hidden(other, {"values": {**OWN, "other": "text"}}))
    assert shown["values"] == {"configs": {"secret": {"extra": {}}, "cm": {}}, "server": {}, "replicas": 2}


@pytest.mark.usefixtures("stack_file")
@pytest.mark.parametrize(
    "changed_by",
    [
        {"server": {"extraArgs": ["--one", SECRET, SECRET]}},
        {"server": {"extraArgs": [SECRET]}},
        {"server": {"extraArgs": ["--two", SECRET]}},
        {"replicas": 3},
    ],
)
def test_a_list_of_another_length_and_another_value_are_of_another_stack_file(changed_by: dict[str, Any]) -> None:
    shown, hidden = parted(with_hidden("test", {"values": {**OWN, **changed_by}}))
    assert SECRET not in json.dumps(shown)
    assert unveiled(hidden, str)["values"]["configs"]["cm"] == {"exec.enabled": "false"}, "every text"


@pytest.mark.usefixtures("stack_file")
def test_a_secret_of_argo_cds_values_is_secret_in_the_release() -> None:
    given = platform(changed("argocd.values", OWN), encrypted=("argocd",)).one("argocd-release").inputs["values"]
    # The wire has each of them marked; what reads it here lifts the mark to the top.
    assert is_secret(given)
    assert plain(given)["configs"]["secret"]["extra"] == {"dex.github.clientSecret": SECRET}
    assert plain(given)["server"]["extraArgs"] == ["--one", SECRET]
    assert plain(given)["configs"]["cm"]["exec.enabled"] == "false"
    assert plain(given)["configs"]["secret"]["githubSecret"] == "hush", "the platform's own values stay"


@pytest.mark.parametrize("section", ["services", "github", "environments", "teams", "cluster", "registry"])
def test_a_secret_where_it_would_be_written_in_clear_text_is_refused(section: str) -> None:
    stack = values(registry={})
    found = problems(stack, [*SECRETS, section])
    assert "--secret" in found[section]


def test_a_secret_in_the_wrong_place_is_not_shown() -> None:
    found = problems(changed("github.owner", "ghp secret"), [*SECRETS, "github"])
    assert "ghp" not in str(found)


def test_the_url_of_a_chat_is_secret() -> None:
    url = "https://hooks.example.com/T0/secret"
    recording = platform(values(notifications={"webhookUrl": url}), encrypted=("notifications",))
    secret = recording.one("argocd-notifications-secret").inputs["stringData"]
    assert is_secret(secret)
    assert plain(secret)["webhook-url"] == url
    assert url not in json.dumps(plain(recording.one("argocd-release").inputs))
    wrong = problems(values(notifications={"webhookUrl": "hooks.example.com/secret"}))
    assert "secret" not in wrong["notifications.webhookUrl"]
