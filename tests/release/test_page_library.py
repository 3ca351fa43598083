"""The library of the status page is what its package has."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from slipway_release.page import ASSETS, LIBRARY

PINS = Path(__file__).parents[2] / "tools/page"
PACKAGE = "lit-html"


def test_the_library_is_of_the_version_that_is_pinned() -> None:
    wanted = json.loads((PINS / "package.json").read_text())["dependencies"][PACKAGE]
    locked = json.loads((PINS / "package-lock.json").read_text())["packages"][f"node_modules/{PACKAGE}"]
    found = re.search(r'litHtmlVersions\?\?=\[\]\)\.push\("([^"]+)"\)', (ASSETS / LIBRARY).read_text())
    assert found
    assert found[1] == wanted == locked["version"], "run make page-library"


def test_the_library_and_its_licence_are_those_of_the_package_byte_for_byte(tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PINS / name, tmp_path)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        # It refuses a package that is not the one of the lock.
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=110)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"the package cannot be had: {error}")
    package = tmp_path / "node_modules" / PACKAGE
    assert (ASSETS / LIBRARY).read_bytes() == (package / LIBRARY).read_bytes()
    assert (ASSETS / f"{PACKAGE}.LICENSE.txt").read_bytes() == (package / "LICENSE").read_bytes()
