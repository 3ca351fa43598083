"""What `approve` says when GitHub does not merge."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from sandbox.errors import SandboxError
from sandbox.people import agree
from sandbox.rehearsal import Rehearsal

REFUSED = 'Repository rule violations found\n\nRequired status check "Validate" is failing.\n\n'


class Refusing:
    """A sandbox whose GitHub merges nothing."""

    def repository_path(self, repository: str) -> str:
        return f"/repos/acme/{repository}"

    def github(self, method: str, path: str, **_given: Any) -> Any:
        if path.endswith("/merge"):
            raise SandboxError(f"{method} {path}: 405 {json.dumps({'message': REFUSED, 'status': '405'})}")

    def wait(self, what: str, look: Callable[[], Any], seconds: float) -> Any:
        try:
            return look()
        except SandboxError as error:
            raise SandboxError(f"{what}: not seen within {seconds:.0f} s (last: {error})") from error


def test_a_pull_request_that_is_not_merged_is_told_in_githubs_words() -> None:
    with pytest.raises(SandboxError) as refused:
        agree(cast("Rehearsal", Refusing()), "environments", 2, reviewer="dana")
    said = str(refused.value)
    assert "environments#2 is not merged after 180 s: Repository rule violations found Required status check" in said
    assert "if that is dana, name somebody else" in said
    assert "{" not in said
