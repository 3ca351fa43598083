"""A chat is told of what waits for an approval, and its silence stops nothing."""

import json
from collections.abc import Mapping

import pytest

from slipway_release import announce
from slipway_release.exchange import Response
from tests.release.builders import environment, platform

LINK = "https://github.test/acme/environments/actions/runs/1"
SECRET = "https://events.test/hooks/s3cret"


def told(status: int = 200, error: Exception | None = None) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """Each address that was told, with the headers and the document."""
    sent: list[tuple[str, dict[str, str], dict[str, str]]] = []

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        sent.append((url, dict(headers), json.loads(body or b"")))
        if error is not None:
            raise error
        return Response(status)

    here = platform(environment("production", approval=True))
    announce.waits_for_approval(here.service("guestbook"), here.environment("production"), "1.2.3", LINK, send=send)
    return sent


def test_nobody_is_told_where_no_chat_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(announce.SLACK_TOKEN, "xoxb")
    assert told() == []


def test_a_webhook_gets_the_document_of_argocd_s_notifications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(announce.WEBHOOK, SECRET)
    ((url, _, document),) = told()
    assert url == SECRET
    assert document == {
        "event": "waiting-for-approval",
        "state": "queued",
        "service": "guestbook",
        "environment": "production",
        "application": "guestbook-production",
        "revision": "",
        "message": f"1.2.3 waits for an approval: {LINK}",
    }


def test_slack_is_told_in_its_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(announce.SLACK_TOKEN, "xoxb")
    monkeypatch.setenv(announce.SLACK_CHANNEL, "releases")
    ((_, headers, document),) = told()
    assert headers["Authorization"] == "Bearer xoxb"
    assert (document["channel"], LINK in document["text"]) == ("releases", True)


def test_a_reason_calls_no_one_on_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reasons of a rollback are words of a pod or of a chart too."""
    monkeypatch.setenv(announce.SLACK_TOKEN, "xoxb")
    monkeypatch.setenv(announce.SLACK_CHANNEL, "releases")
    texts: list[str] = []

    def send(_method: str, _url: str, _headers: Mapping[str, str], body: bytes | None) -> Response:
        texts.append(json.loads(body or b"")["text"])
        return Response(200)

    here = platform(environment("production"))
    place = here.service("guestbook"), here.environment("production")
    announce.taken_back(*place, "1.0.0 goes", "<!channel> <https://x.test|ok> & b", LINK, send=send)
    (text,) = texts
    assert "1.0.0 goes: &lt;!channel&gt; &lt;https://x.test|ok&gt; &amp; b; see https://" in text


@pytest.mark.parametrize("error", [None, ConnectionRefusedError(SECRET)], ids=["answers 500", "does not answer"])
def test_a_chat_that_cannot_be_told_stops_nothing_and_its_address_stays_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception | None
) -> None:
    monkeypatch.setenv(announce.WEBHOOK, SECRET)
    told(500, error)
    said = capsys.readouterr().err
    assert "warning: the webhook" in said
    assert "s3cret" not in said
