"""A chat is told of what waits for an approval, and its silence stops nothing."""

import json
import threading
from collections.abc import Callable, Mapping

import pytest

from slipway_release import announce, limits
from slipway_release.exchange import Exchange, Response
from tests.release.builders import environment, platform

LINK = "https://github.test/acme/environments/actions/runs/1"
SECRET = "https://events.test/hooks/s3cret"


Told = list[tuple[str, dict[str, str], dict[str, str]]]
"""Each address that was told, with the headers and the document."""


def told(status: int = 200, error: Exception | None = None, said: bytes = b"") -> Told:
    """What is said of a release that waits for an approval."""
    return sent(lambda place, send: announce.waits_for_approval(place, "1.2.3", LINK, send=send), status, error, said)


def taken_back(reason: str) -> dict[str, str]:
    """The document that says of a release that it was taken back."""
    ((_, _, document),) = sent(lambda place, send: announce.taken_back(place, "1.0.0 goes", reason, LINK, send=send))
    return document


def sent(
    tell: Callable[[announce.Place, Exchange], None],
    status: int = 200,
    error: Exception | None = None,
    said: bytes = b"",
) -> Told:
    """What is sent where something is told, and what answers."""
    found: Told = []

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        found.append((url, dict(headers), json.loads(body or b"")))
        if error is not None:
            raise error
        return Response(status, body=said)

    here = platform(environment("production", approval=True))
    place = announce.Place(here, here.service("guestbook"), here.environment("production"))
    tell(place, send)
    return found


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
        "url": "https://github.test/acme/guestbook/deployments",
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
    text = taken_back("<!channel> <https://x.test|ok> & b")["text"]
    assert "1.0.0 goes: &lt;!channel&gt; &lt;https://x.test|ok&gt; &amp; b; see https://" in text


def test_a_chat_is_told_as_much_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(announce.WEBHOOK, SECRET)
    assert len(taken_back("It loses orders. " * 6_000)["message"]) == limits.MESSAGE


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, None),
        (404, None),
        (302, None),
        (200, ConnectionRefusedError(SECRET)),
        (200, TimeoutError(SECRET)),
        (200, ValueError(f"unknown url type: {SECRET}")),
    ],
)
def test_a_chat_that_cannot_be_told_stops_nothing_and_its_address_stays_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int, error: Exception | None
) -> None:
    monkeypatch.setenv(announce.WEBHOOK, SECRET)
    assert len(told(status, error)) == 1, "it is told once and followed nowhere"
    said = capsys.readouterr().err
    assert "warning: the webhook" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("url", ["events.test/s3cret", "https://events.test:s3cret/", "https://[s3cret/", "s3cret"])
def test_an_address_that_is_none_stops_nothing_and_stays_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    monkeypatch.setenv(announce.WEBHOOK, url)
    here = platform(environment("production", approval=True))
    place = announce.Place(here, here.service("guestbook"), here.environment("production"))
    announce.waits_for_approval(place, "1.2.3", LINK)
    said = capsys.readouterr().err
    assert "warning: the webhook could not be told" in said
    assert "s3cret" not in said


def test_a_chat_that_does_not_come_to_an_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(announce.WEBHOOK, SECRET)
    monkeypatch.setattr(announce, "_PATIENCE", 0.01)
    never = threading.Event()

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        never.wait()
        return Response(200)

    here = platform(environment("production", approval=True))
    place = announce.Place(here, here.service("guestbook"), here.environment("production"))
    announce.waits_for_approval(place, "1.2.3", LINK, send=send)
    never.set()
    assert "the webhook did not answer within" in capsys.readouterr().err


def test_what_slack_refuses_is_said_though_it_answers_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(announce.SLACK_TOKEN, "xoxb")
    monkeypatch.setenv(announce.SLACK_CHANNEL, "releases")
    told(said=b'{"ok": false, "error": "channel_not_found"}')
    assert "warning: Slack refused the message: channel_not_found" in capsys.readouterr().err
    told(said=b'{"ok": true}')
    told(said=b"ok")
    assert capsys.readouterr().err == ""
