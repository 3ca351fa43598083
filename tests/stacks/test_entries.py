"""The way in: its rules, and that `url` is what it makes true."""

import json
from typing import Any

import pytest

from manifests.application import application
from manifests.model import Settings
from manifests.platform_file import platform_text
from slipway_release import platform_file
from stacks.problems import SettingsError
from stacks.settings import settings_of
from tests.stacks.builders import texts, values

CLUSTER = values()["cluster"] | {"ingressNamespaces": ["ingress-nginx"]}
INGRESS = {"host": "{service}.dev.example.com", "className": "nginx"}
ROUTE = {"host": "{service}.{environment}.example.com", "gateway": "public", "gatewayNamespace": "infra"}


def settings(**dev: Any) -> Settings:
    """The valid stack with one environment."""
    environments = [{"name": "dev", **dev}]
    return settings_of("tests", texts(values(environments=environments, cluster=CLUSTER)))


def problems(environments: list[dict[str, Any]], **changes: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        settings_of("tests", texts(values(environments=environments, **{"cluster": CLUSTER, **changes})))
    return str(caught.value)


def told(settings: Settings) -> dict[str, Any]:
    """What the Application of the first service in the first environment carries."""
    service, environment = next(iter(settings.placements()))
    return application(settings, service, environment)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ({"ingress": INGRESS}, "https://guestbook.dev.example.com"),
        ({"ingress": {**INGRESS, "tls": False}}, "http://guestbook.dev.example.com"),
        ({"httpRoute": ROUTE}, "https://guestbook.dev.example.com"),
        ({"ingress": INGRESS, "url": "https://{service}.dev.example.com"}, "https://guestbook.dev.example.com"),
    ],
)
def test_the_url_is_where_the_service_answers(entry: dict[str, Any], url: str) -> None:
    found = told(settings(**entry))
    assert found["metadata"]["annotations"]["slipway.dev/url"] == url
    (values,) = found["spec"]["source"]["helm"]["valuesObject"]["global"].values()
    assert values["host"] == "guestbook.dev.example.com"
    platform = platform_file.parse(json.loads(platform_text(settings(**entry))))
    assert platform.environments[0].service_url("guestbook") == url
    assert platform.services[0].values == {"dev": found["spec"]["source"]["helm"]["valuesObject"]}


def test_without_a_way_in_nothing_is_told() -> None:
    assert "valuesObject" not in told(settings())["spec"]["source"]["helm"]


def test_an_ingress_waits_for_its_address_where_the_settings_say_so() -> None:
    def annotations(**ingress: Any) -> Any:
        found = told(settings(ingress={**INGRESS, **ingress}))["spec"]["source"]["helm"]["valuesObject"]
        return found["global"]["ingress"].get("annotations")

    assert annotations() == {"slipway.dev/wait-for-address": "false"}
    assert annotations(waitForAddress=True) is None
    assert annotations(annotations={"a": "b"}) == {"a": "b", "slipway.dev/wait-for-address": "false"}


@pytest.mark.parametrize(
    ("dev", "path", "words"),
    [
        ({"ingress": INGRESS, "httpRoute": ROUTE}, "environments[dev].httpRoute", "one of the two"),
        ({"ingress": INGRESS, "url": "https://other.example.com"}, "environments[dev].url", "another host"),
        ({"ingress": {"host": "https://a.example.com"}}, "environments[dev].ingress.host", "not a host name"),
        ({"ingress": {"host": "{team}.example.com"}}, "environments[dev].ingress.host", "not a placeholder"),
        ({"ingress": {"className": "nginx"}}, "environments[dev].ingress.host", ""),
        ({"httpRoute": {"host": "a.example.com"}}, "environments[dev].httpRoute.gateway", ""),
    ],
)
def test_a_way_in_that_cannot_work_is_refused(dev: dict[str, Any], path: str, words: str) -> None:
    found = problems([{"name": "dev", **dev}])
    assert path in found
    assert words in found


def test_each_service_has_a_name_of_its_own() -> None:
    found = problems([{"name": "dev", "ingress": INGRESS}, {"name": "staging", "ingress": INGRESS}])
    assert "environments[staging].ingress.host" in found
    assert "guestbook in dev and of guestbook in staging" in found


def test_the_controller_must_be_let_in() -> None:
    found = problems([{"name": "dev", "ingress": INGRESS}], cluster=values()["cluster"])
    assert "cluster.ingressNamespaces" in found


def test_a_controller_outside_of_the_cluster_is_let_in_by_its_addresses() -> None:
    outside = [{"name": "dev", "ingress": INGRESS, "allowFrom": ["192.0.2.0/24"]}]
    settings_of("tests", texts(values(environments=outside, cluster=values()["cluster"])))
