"""What a person is told after an update."""

from components.summary import next_steps
from stacks.settings import settings_of
from tests.stacks.builders import texts, values

PULLS = ["https://github.com/acme/environments/pull/3", "https://github.com/acme/guestbook/pull/1"]


def test_every_pull_request_that_waits_is_named_before_anything_else() -> None:
    first, *_ = next_steps(settings_of("test", texts(values())), PULLS)
    assert all(url in first for url in PULLS)
    assert "`pulumi up` again" in first


def test_without_a_pull_request_a_release_comes_next() -> None:
    assert not [step for step in next_steps(settings_of("test", texts(values())), []) if "erge" in step]
