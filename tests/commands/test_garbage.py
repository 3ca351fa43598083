"""How often the sandbox's short processes look for garbage."""

import subprocess
import sys

PROGRAM = """
import atexit, gc
from sandbox.garbage import collect_rarely
atexit.register(lambda: print(gc.get_freeze_count() > 1000))
collect_rarely()
"""


def test_what_a_process_has_imported_is_not_looked_through_at_its_end() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"
