"""What requests to GitHub are signed with."""

from typing import Any

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from components.github.credentials import AppItself
from slipway_release.github import GitHub
from tests.keys import pem, rsa_key


def test_a_key_is_read_once_for_all_that_its_app_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    prepare: Any = RSAAlgorithm.prepare_key

    def counted(algorithm: RSAAlgorithm, key: Any) -> Any:
        given.append(key)
        return prepare(algorithm, key)

    monkeypatch.setattr(RSAAlgorithm, "prepare_key", counted)
    app = AppItself("101", pem("app"))
    tokens = [app.token(GitHub("https://github.example.org/", "")) for _ in range(3)]
    issuers = {jwt.decode(token, rsa_key("app").public_key(), algorithms=["RS256"])["iss"] for token in tokens}
    assert (given.count(pem("app")), issuers) == (1, {"101"})
