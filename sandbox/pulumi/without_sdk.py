"""Pulumi's messages without its SDK, for plugins, which need no more: the SDK takes longest of what they import."""

import importlib.util
import sys
from types import ModuleType


def leave_out() -> None:
    """Lets this process import `pulumi.runtime.proto`, and nothing else of `pulumi`, from now on."""
    for name in ("pulumi", "pulumi.runtime"):
        found = importlib.util.find_spec(name)
        package = ModuleType(name)
        package.__path__ = (found and found.submodule_search_locations) or []
        sys.modules[name] = package
