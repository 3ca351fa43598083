"""Components under the recorder, made from the valid stack."""

import json
import runpy
from functools import cache
from pathlib import Path
from typing import Any

from stacks.secrets import SECRETS
from tests.recorder import Recording, record
from tests.stacks.builders import texts, values

ROOT = Path(__file__).parents[2]


def platform(stack: dict[str, Any] | None = None, encrypted: tuple[str, ...] = ()) -> Recording:
    """The whole platform of a stack, by the public entry; not to be changed, it is shared."""
    return _platform(json.dumps(stack or values(), sort_keys=True), encrypted)


@cache
def _platform(stack: str, encrypted: tuple[str, ...]) -> Recording:
    given = {f"slipway:{key}": value for key, value in texts(json.loads(stack)).items()}
    return record(
        lambda: runpy.run_path(str(ROOT / "__main__.py")),
        config=given | {"slipway:preflight": "false"},
        secrets=[f"slipway:{secret}" for secret in (*SECRETS, *encrypted)],
    )
