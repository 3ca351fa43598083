"""What requests to GitHub are signed with."""

from typing import Any

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from components.github.credentials import AppItself, AppKey
from components.github.errors import GitHubError
from slipway_release.github import GitHub
from tests.keys import pem, rsa_key
from tests.release.builders import Script, answer


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


def test_a_clock_that_is_off_is_told_in_github_s_words_and_beside_what_else_may_be_wrong() -> None:
    said = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
    refusal = {"POST /app/installations/2/access_tokens": answer({"message": said}, 401)}
    anonymous = GitHub("https://github.example.org/api/v3", "", Script(refusal))
    with pytest.raises(GitHubError, match="this machine's clock") as refused:
        AppKey("1", "2", pem("app")).token(anonymous)
    assert said in str(refused.value)
