"""PyYAML's loader and dumper in C where it was built with them: those in Python take ten times as long."""

from typing import cast

import yaml

SafeLoader = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
SafeDumper = cast("type[yaml.SafeDumper]", getattr(yaml, "CSafeDumper", yaml.SafeDumper))
