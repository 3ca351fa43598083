"""A run does what there is to do, and says how it went."""

import json
import os
import subprocess
import sys
import threading
import unittest

from job import work


class Runs(unittest.TestCase):
    def test_everything_is_done(self) -> None:
        self.assertEqual(work.run({"ITEMS": "a, b,c"}, threading.Event()), 3)

    def test_nothing_to_do_is_no_failure(self) -> None:
        self.assertEqual(work.run({"ITEMS": ""}, threading.Event()), 0)

    def test_no_item_is_begun_after_the_end_was_asked_for(self) -> None:
        stopping = threading.Event()
        stopping.set()
        with self.assertRaisesRegex(work.WorkError, "told to stop after 0 items"):
            work.run({"ITEMS": "a"}, stopping)


class Process(unittest.TestCase):
    def run_with(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "job"]
        return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)

    def test_it_logs_json_and_ends_with_0(self) -> None:
        ran = self.run_with(ITEMS="a", VERSION="1.2.3")
        lines = [json.loads(line) for line in ran.stdout.splitlines()]
        self.assertEqual([line["message"] for line in lines], ["begins", "handled", "done"])
        self.assertEqual((lines[0]["version"], lines[-1]["items"], ran.returncode), ("1.2.3", 1, 0))

    def test_a_failure_is_logged_and_ends_with_1(self) -> None:
        ran = self.run_with(REHEARSE_FAULT="crash")
        self.assertEqual(json.loads(ran.stdout.splitlines()[-1])["level"], "error")
        self.assertEqual(ran.returncode, 1)


if __name__ == "__main__":
    unittest.main()
