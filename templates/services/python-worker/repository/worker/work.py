"""The work of one message. Replace `handle` with your own."""

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Unwanted(Exception):
    """The message will never work; it is put aside at once."""


def handle(message: Mapping[str, str]) -> None:
    """Does what a message asks for. It may come twice, so doing it twice must be harmless.

    Any exception means "again later", until the message has been tried often enough and is put aside.
    """
    if "body" not in message:
        raise Unwanted("it has no `body`")
    log.info("handled", extra={"fields": {"body": message["body"]}})
