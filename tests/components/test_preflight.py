"""The program stops before the first write with all that is in the way; the checks themselves have tests beside."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.preflight import Advice, Findings
from manifests.model import Settings
from manifests.model import settings as model
from slipway_release.version import VERSION, numbers
from stacks.override_checks import override_findings
from stacks.preflight import SurroundingsError, check_surroundings, older_than
from stacks.settings import settings_of
from templates.service_template import BUILT_IN
from tests.stacks.builders import SECRETS, changed, texts, values


def settings(stack: dict[str, Any] | None = None) -> Settings:
    return settings_of("test", texts(stack or values()))


def configure(monkeypatch: pytest.MonkeyPatch, **found: list[str]) -> None:
    monkeypatch.setattr("stacks.preflight.github_findings", lambda *_args: Findings(**found))
    pulumi.runtime.set_all_config({f"slipway:{key}": values()[key] for key in SECRETS})


NO_CLUSTER = {"kubeconfig": "/nowhere/config", "context": "x"}


def test_the_program_stops_with_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, problems=["github is bad"])
    stack = values(cluster=NO_CLUSTER)
    with pytest.raises(SurroundingsError) as raised:
        check_surroundings(settings(stack))
    assert isinstance(raised.value, pulumi.RunError)
    assert [problem.split(":")[0] for problem in raised.value.problems] == ["github is bad", "cluster.kubeconfig"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"replicas": "3"}, "overrides.dev.replicas: '3' is not of type 'integer'"),
        ({"replicas": -1}, "overrides.dev.replicas: -1 is less than the minimum of 0"),
        ({"replica": 3}, "overrides.dev: Additional properties are not allowed ('replica' was unexpected)"),
        ({"config": {"a-b": "x"}}, "overrides.dev.config: 'a-b' does not match"),
        ({"release": {"version": "1.0.0"}}, "overrides.dev.release: it is what the automation writes"),
        ({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}, "requests.cpu 2 must be at most its limit"),
        ({"resources": {"limits": {"nvidia.com/gpu": 0.5}}}, "use a whole number"),
        ({"autoscaling": {"enabled": True, "minReplicas": 9}}, "minReplicas 9 is above maxReplicas 6"),
    ],
)
def test_values_that_the_chart_or_kubernetes_refuses_are_not_written(
    monkeypatch: pytest.MonkeyPatch, own: dict[str, Any], said: str
) -> None:
    configure(monkeypatch)
    with pytest.raises(SurroundingsError) as raised:
        check_surroundings(settings(changed("services.0.overrides", {"dev": own}) | {"cluster": NO_CLUSTER}))
    assert said in str(raised.value)
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    "own", [{"replicas": 3, "config": {"MAX": 1_048_576}}, {"resources": None}, {"autoscaling": {"enabled": True}}]
)
def test_values_that_the_chart_takes_are_not_in_the_way(own: dict[str, Any]) -> None:
    assert list(override_findings(settings(changed("services.0.overrides", {"dev": own})))) == []


def test_a_schema_that_refers_to_another_address_is_left_to_helm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "ROOT", tmp_path / "templates")
    shutil.copytree(BUILT_IN / "go-web", tmp_path / "ours")
    for shared in BUILT_IN.glob("_*"):
        shutil.copytree(shared, tmp_path / shared.name)
    schema = tmp_path / "_chart/values.schema.json"
    schema.write_text(json.dumps({"properties": {"replicas": {"$ref": "http://127.0.0.1:9/schema.json"}}}))
    service = {"name": "orders", "template": "ours", "team": "web", "overrides": {"dev": {"replicas": 3}}}
    stack = values(templates=[{"name": "ours", "source": "./ours"}], services=[service])
    assert list(override_findings(settings(stack))) == []


def test_a_quota_without_room_for_a_release_at_full_size_is_told() -> None:
    stack = changed("services.0.overrides", {"dev": {"autoscaling": {"enabled": True, "maxReplicas": 50}}})
    stack["environments"][0]["quota"] = {}
    (advice,) = override_findings(settings(stack))
    assert isinstance(advice, Advice)
    assert "let it have 51" in advice


@pytest.mark.parametrize("name", ["GITHUB_OWNER", "GITHUB_ORGANIZATION"])
def test_an_owner_of_the_environment_would_win(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    configure(monkeypatch)
    monkeypatch.setenv(name, "somebody")
    with pytest.raises(SurroundingsError, match=name):
        check_surroundings(settings(values(cluster=NO_CLUSTER)))


@pytest.mark.parametrize("value", ["Acme", ""])
def test_the_same_owner_and_none_are_harmless(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    configure(monkeypatch)
    monkeypatch.setenv("GITHUB_OWNER", value)
    with pytest.raises(SurroundingsError) as raised:
        check_surroundings(settings(values(cluster=NO_CLUSTER)))
    assert len(raised.value.problems) == 1


def test_a_token_of_the_environment_would_win_over_an_app(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_ambient")
    stack = changed("github.app", {"id": "14", "installationId": "104"}) | {"cluster": NO_CLUSTER}
    stack["githubAppPrivateKey"] = stack["promoterPrivateKey"]
    del stack["githubToken"]
    keys = {f"slipway:{key}": str(values()[key]) for key in SECRETS}
    pulumi.runtime.set_all_config(keys | {"slipway:githubAppPrivateKey": str(stack["githubAppPrivateKey"])})
    with pytest.raises(SurroundingsError, match="GITHUB_TOKEN") as raised:
        check_surroundings(settings(stack))
    assert "ghp_ambient" not in str(raised.value)


def test_it_can_be_left_out() -> None:
    pulumi.runtime.set_all_config({"slipway:preflight": "false"})
    check_surroundings(settings())


@pytest.mark.parametrize("token", ["ghp_x\ry", "ghp_x y", "ghp_x\u00fc", "ghp_x\0"])
def test_a_token_that_no_header_takes_is_refused_at_once_and_never_shown(token: str) -> None:
    naps: list[float] = []
    api = GitHubApi("http://127.0.0.1:9", Token(token), sleep=naps.append)
    with pytest.raises(pulumi.RunError) as raised:
        api.get("/user")
    assert not naps, "asking again would change nothing"
    assert "ghp_x" not in str(raised.value)
    assert "copy it again" in str(raised.value)


def test_an_older_slipway_than_the_last_is_refused_unless_it_is_meant() -> None:
    assert "Slipway 99.0.0 was here last" in older_than("99.0.0", allowed=False)
    assert "slipway:downgrade: true" in older_than("99.0.0", allowed=False)
    assert not older_than("99.0.0", allowed=True)
    for last in ("", VERSION, "0.1.0", "main", "99"):
        assert not older_than(last, allowed=False)
    assert numbers("0.10.0") > numbers("0.9.1")


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION
