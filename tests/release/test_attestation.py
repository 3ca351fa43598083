"""An image is promoted if GitHub says who has built it and what is in it, by nothing that a service writes."""

import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from sandbox.github.actions.id_tokens import PATH
from sandbox.github.identity.tokens import Signer
from slipway_release import attestation, platform_file, referrers, sbom
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.github import GitHub
from slipway_release.platform_types import Service
from slipway_release.registry import Registry
from slipway_release.tool import Credential
from slipway_release.transport import Transport
from tests.release.stage import TOKEN, Stage, act, docker_registry

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]

VERSION = "0.1.0"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A platform that requires attestations with bills of materials, and one release of it."""
    if act() is None or docker_registry() is None:
        pytest.skip("act or docker-registry is not here yet; `make up` brings both")
    made = Stage(tmp_path_factory.mktemp("stage"), [{"name": "dev"}], attestations="required", sbom="required")
    try:
        made.start()
        made.push_tag(f"v{VERSION}")
        made.finished("environments", "promote")
        yield made
    finally:
        made.stop()


@pytest.fixture
def around(stage: Stage) -> Context:
    """What a promotion reads with."""
    text = (stage.work("environments") / platform_file.PATH).read_text()
    platform = platform_file.parse(json.loads(text))
    transport = Transport(10, log=lambda _: None)
    github = GitHub(platform.api_url, TOKEN, transport)
    registry = Registry(platform.registry_host, insecure=True, transport=transport)
    return Context(platform, github, github, github, registry, "")


@pytest.fixture
def service(around: Context) -> Service:
    return around.platform.service("guestbook")


@pytest.fixture
def built(stage: Stage, around: Context, service: Service) -> tuple[str, str]:
    """Digest and commit of the release."""
    image = around.registry.image(service.image, VERSION)
    assert image is not None
    return image.digest, stage.git("guestbook", "rev-parse", f"v{VERSION}")


@pytest.fixture
def another(
    request: pytest.FixtureRequest, stage: Stage, around: Context, service: Service, built: tuple[str, str]
) -> str:
    """The digest of an image that somebody with a right to push has made: the released one with a word added.

    It is another one in each test, so that nothing lies beside it yet.
    """
    manifest = json.loads(around.registry.read(service.image, f"manifests/{built[0]}").body)
    text = json.dumps(manifest | {"annotations": {"by": request.node.name}}).encode()
    around.registry.put_manifest(service.image, "by-sam", text, manifest["mediaType"])
    found = around.registry.image(service.image, "by-sam")
    assert found is not None
    return found.digest


def claims(built: tuple[str, str]) -> dict[str, Any]:
    """What GitHub says of a build by main's release workflow."""
    return {
        "job_workflow_ref": "acme/environments/.github/workflows/release.yml@refs/heads/main",
        "repository": "acme/guestbook",
        "sha": built[1],
        "event_name": "push",
    }


def envelope(
    around: Context, digest: str, said: dict[str, Any], key: Signer | None, stage: Stage, **changes: Any
) -> bytes:
    """An attestation as it lies beside an image, signed with these claims."""
    subject = {"digest": {"sha256": digest.removeprefix("sha256:")}}
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [subject], "predicate": {"runDetails": {}}}
    payload = json.dumps(statement | changes).encode()
    issuer = {"iss": f"{stage.url.rstrip('/')}{PATH}", "aud": attestation.audience(payload)}
    token = (key or Signer(stage.folder / "github", "actions")).sign(issuer | said)
    signature = {"sig": base64.b64encode(token.encode()).decode()}
    return json.dumps({"payload": base64.b64encode(payload).decode(), "signatures": [signature]}).encode()


def test_a_release_is_attested_and_promoted(
    stage: Stage, around: Context, service: Service, built: tuple[str, str]
) -> None:
    assert stage.wanted("dev") == VERSION
    attestation.check(around, service, *built)
    (text,) = referrers.find(around.registry, service.image, built[0], attestation.KIND)
    statement = json.loads(base64.b64decode(json.loads(text)["payload"]))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"] == {"gitCommit": built[1]}


def test_what_is_in_a_release_lies_beside_it(around: Context, service: Service, built: tuple[str, str]) -> None:
    (text,) = referrers.find(around.registry, service.image, built[0], sbom.KIND)
    document = json.loads(text)
    assert document["spdxVersion"] == "SPDX-2.3"
    assert ("porthole", "1.2.3") in {(package["name"], package.get("versionInfo")) for package in document["packages"]}


def test_each_platform_of_an_image_has_a_bill_of_its_own(
    around: Context, service: Service, built: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image, registry = service.image, around.registry
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    manifest = json.loads(registry.read(image, f"manifests/{built[0]}").body)
    config = json.loads(registry.read(image, f"blobs/{manifest['config']['digest']}").body) | {"architecture": "arm64"}
    other = manifest | {"config": manifest["config"] | registry.put_blob(image, json.dumps(config).encode())}
    entries: list[dict[str, Any]] = []
    for architecture, content in (("amd64", manifest), ("arm64", other)):
        registry.put_manifest(image, architecture, json.dumps(content).encode(), manifest["mediaType"])
        made = registry.read(image, f"manifests/{architecture}").body
        name = "sha256:" + hashlib.sha256(made).hexdigest()
        platform = {"os": "linux", "architecture": architecture}
        entries.append({"mediaType": manifest["mediaType"], "digest": name, "size": len(made), "platform": platform})
    kind = "application/vnd.oci.image.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
    registry.put_manifest(image, "both", json.dumps(index).encode(), kind)
    found = registry.image(image, "both")
    assert found is not None
    named = sbom.attach(around, service, found.digest, Credential(registry.server, "", ""))
    sbom.check(around, service, found.digest, named)
    assert [each["name"] for each in named] == [f"{image}@{entry['digest']}" for entry in entries]
    with pytest.raises(RefusedError, match=entries[1]["digest"]):
        sbom.check(around, service, found.digest, named[:1])


def test_an_image_whose_attestation_names_no_bill_of_materials_is_refused(
    stage: Stage, around: Context, service: Service, built: tuple[str, str], another: str
) -> None:
    """Neither one of before the setting, nor one beside which somebody has put a document."""
    referrers.attach(around.registry, service.image, another, sbom.KIND, b'{"spdxVersion": "SPDX-2.3"}')
    text = envelope(around, another, claims(built), None, stage)
    referrers.attach(around.registry, service.image, another, attestation.KIND, text)
    with pytest.raises(RefusedError, match="no SBOM that it names lies beside"):
        attestation.check(around, service, another, built[1])


def test_a_second_tag_of_the_commit_takes_what_is_attested(stage: Stage, built: tuple[str, str]) -> None:
    run = stage.runs("guestbook", "release")[0]
    stage.call("POST", f"/repos/acme/guestbook/actions/runs/{run['id']}/rerun")
    stage.finished("environments", "promote", 2)
    assert "taken as it is" in stage.log(stage.runs("guestbook", "release")[0])


def test_an_image_without_one_is_refused_by_the_promotion(stage: Stage, another: str) -> None:
    """With the right labels, a true run and a tag on main: all that was asked for before."""
    run = stage.runs("guestbook", "release")[0]
    before = len(stage.runs("environments", "promote"))
    inputs = {"service": "guestbook", "run": str(run["id"]), "digest": another}
    path = "/repos/acme/environments/actions/workflows/promote.yml/dispatches"
    stage.call("POST", path, {"ref": "main", "inputs": inputs})
    ended = stage.finished("environments", "promote", before + 1)
    assert ended["conclusion"] == "failure"
    assert "attestation" in stage.log(ended)


@pytest.mark.parametrize(
    "said",
    [
        {"job_workflow_ref": "acme/guestbook/.github/workflows/release.yml@refs/heads/main"},
        {"job_workflow_ref": "acme/environments/.github/workflows/release.yml@refs/heads/sam"},
        {"job_workflow_ref": "acme/environments/.github/workflows/release.yml@refs/heads/Main"},
        {"job_workflow_ref": "acme/environments/.github/workflows/release.yml@refs/tags/main"},
        {"job_workflow_ref": "acme/environments/.github/workflows/validate.yml@refs/heads/main"},
        {"repository": "acme/orders"},
        {"sha": "0" * 40},
        {"event_name": "pull_request"},
        {"aud": "slipway/of-another-statement"},
        {"iss": "https://id.example.com"},
    ],
    ids=str,
)
def test_what_a_job_of_the_service_lets_github_sign_is_refused(
    stage: Stage, around: Context, service: Service, built: tuple[str, str], another: str, said: dict[str, str]
) -> None:
    text = envelope(around, another, claims(built) | said, None, stage)
    referrers.attach(around.registry, service.image, another, attestation.KIND, text)
    # Its own reason: without a bill of materials each of them would be refused anyhow.
    ((claim, value),) = said.items()
    reason = f"it is signed by {value!r}" if claim == "iss" else f"GitHub says {claim} {value!r}"
    with pytest.raises(RefusedError, match=re.escape(reason)):
        attestation.check(around, service, another, built[1])


def test_a_key_of_ones_own_signs_nothing(
    stage: Stage, around: Context, service: Service, built: tuple[str, str], another: str
) -> None:
    own = Signer(stage.folder, "own")
    text = envelope(around, another, claims(built), own, stage)
    referrers.attach(around.registry, service.image, another, attestation.KIND, text)
    with pytest.raises(RefusedError, match="not by a key of"):
        attestation.check(around, service, another, built[1])


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_does_not_choose_how_it_is_looked_at(
    stage: Stage, around: Context, service: Service, built: tuple[str, str], another: str, algorithm: str
) -> None:
    text = json.loads(envelope(around, another, claims(built), None, stage))
    good = base64.b64decode(text["signatures"][0]["sig"]).decode()
    head, body = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    key = "" if algorithm == "none" else "x" * 32
    forged = jwt.encode(body, key, algorithm=algorithm, headers={"kid": head["kid"]})
    text["signatures"] = [{"sig": base64.b64encode(forged.encode()).decode()}]
    content = json.dumps(text).encode()
    referrers.attach(around.registry, service.image, another, attestation.KIND, content)
    with pytest.raises(RefusedError, match="not by a key of"):
        attestation.check(around, service, another, built[1])


def test_the_attestation_of_one_image_does_not_stand_for_another(
    around: Context, service: Service, built: tuple[str, str], another: str
) -> None:
    (text,) = referrers.find(around.registry, service.image, built[0], attestation.KIND)
    referrers.attach(around.registry, service.image, another, attestation.KIND, text)
    with pytest.raises(RefusedError, match="about another image"):
        attestation.check(around, service, another, built[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": []},
        {"subject": [{"digest": {"sha256": "0" * 64}}]},
        {"subject": [{"digest": {"sha512": "0" * 128}}]},
        {"subject": "each"},
    ],
    ids=str,
)
def test_a_statement_is_about_one_image_and_no_other(
    stage: Stage, around: Context, service: Service, built: tuple[str, str], another: str, changes: dict[str, Any]
) -> None:
    attested = envelope(around, another, claims(built), None, stage, **changes)
    referrers.attach(around.registry, service.image, another, attestation.KIND, attested)
    with pytest.raises(RefusedError, match=r"it is about another image|statement: subject"):
        attestation.check(around, service, another, built[1])


def test_a_statement_about_several_images_is_about_none(
    stage: Stage, around: Context, service: Service, built: tuple[str, str], another: str
) -> None:
    subjects = [{"digest": {"sha256": digest.removeprefix("sha256:")}} for digest in (built[0], another)]
    attested = envelope(around, another, claims(built), None, stage, subject=subjects)
    referrers.attach(around.registry, service.image, another, attestation.KIND, attested)
    with pytest.raises(RefusedError, match="it is about another image"):
        attestation.check(around, service, another, built[1])


@pytest.mark.parametrize("count", [0, 2])
def test_an_envelope_has_one_signature(
    stage: Stage, around: Context, service: Service, built: tuple[str, str], another: str, count: int
) -> None:
    attested = json.loads(envelope(around, another, claims(built), None, stage))
    text = json.dumps(attested | {"signatures": attested["signatures"] * count}).encode()
    referrers.attach(around.registry, service.image, another, attestation.KIND, text)
    with pytest.raises(RefusedError, match="not an envelope of one statement and one signature"):
        attestation.check(around, service, another, built[1])


def test_a_true_one_counts_beside_a_false_one(
    around: Context, service: Service, built: tuple[str, str], stage: Stage
) -> None:
    text = envelope(around, built[0], claims(built) | {"sha": "0" * 40}, None, stage)
    referrers.attach(around.registry, service.image, built[0], attestation.KIND, text)
    attestation.check(around, service, *built)
