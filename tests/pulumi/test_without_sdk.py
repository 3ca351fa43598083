"""Plugins that need Pulumi's messages alone start without its SDK: the engine starts two of them for an operation."""

import re
import subprocess
import sys

import pytest
from pulumi.runtime.rpc import UNKNOWN

from sandbox.github_plugin import wire

PLUGINS = (["sandbox.github_plugin", "--help"], ["sandbox.pulumi.plan_provider"])
"""Started so that each ends once it has imported what it serves with."""


@pytest.mark.parametrize("command", PLUGINS, ids=lambda command: command[0])
def test_a_plugin_imports_the_messages_and_not_the_sdk(command: list[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *command], capture_output=True, text=True, check=False
    ).stderr
    imported = set(re.findall(r"^import time: .*\| +(\S+)$", told, re.MULTILINE))
    assert "pulumi.runtime.proto.provider_pb2" in imported
    assert not {name for name in imported if name.startswith("pulumi.") and not name.startswith("pulumi.runtime.proto")}
    assert not {"jwt", "cryptography"} & imported


def test_a_value_that_is_not_known_yet_is_the_text_of_the_sdk() -> None:
    assert wire.UNKNOWN == UNKNOWN
