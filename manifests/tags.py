"""The grammar of release tags, for the settings, rulesets and workflows of the platform.

The grammar itself lives in `templates/environment/.slipway/slipway_release/tags.py`, because the
release program that runs in the environment repository needs it too and cannot import this
project. This module only loads that file; nothing copies it but the commit of the template.

Use `actions_filters(environments)` for `on.push.tags`, `ruleset_patterns(environments)` for the
tag ruleset (full references) and `is_prefix(text)` to check a `tagPrefix`. An environment is any
object with `name`, `tag_prefix` and `images`.
"""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

__all__ = [
    "EnvironmentLike",
    "Tag",
    "TagError",
    "Version",
    "actions_filters",
    "branch_version",
    "is_image_tag",
    "is_prefix",
    "ruleset_patterns",
    "tag_patterns",
    "takes_releases",
    "targets",
]

if TYPE_CHECKING:
    from slipway_release.tags import (
        EnvironmentLike,
        Tag,
        TagError,
        Version,
        actions_filters,
        branch_version,
        is_image_tag,
        is_prefix,
        ruleset_patterns,
        tag_patterns,
        takes_releases,
        targets,
    )
else:
    _NAME = "slipway_release_tags"
    _SOURCE = Path(__file__).parents[1] / "templates/environment/.slipway/slipway_release/tags.py"
    _spec = importlib.util.spec_from_file_location(_NAME, _SOURCE)
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_NAME] = _module  # dataclasses look their module up while it is being executed
    _spec.loader.exec_module(_module)
    globals().update({name: getattr(_module, name) for name in __all__})
