import json
import os
import subprocess
import sys
import unittest
import urllib.request


class Process(unittest.TestCase):
    """The process as the cluster runs it."""

    def test_it_works_and_ends_well(self) -> None:
        environment = {**os.environ, "QUEUE_URL": "memory:", "PORT": "0", "VERSION": "1.2.3"}
        command = [sys.executable, "-m", "worker"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            lines = map(json.loads, process.stdout)
            port = next(lines)["port"]
            # Its first message is handled once it is there.
            self.assertEqual("an example", next(line for line in lines if line["message"] == "handled")["body"])
            for path, words in {"/healthz": "alive", "/readyz": "ready", "/metrics": 'version="1.2.3"'}.items():
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                    self.assertIn(words, answer.read().decode())
            process.terminate()
            self.assertEqual(0, process.wait())
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_without_a_queue_it_says_so(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "QUEUE_URL"}
        ran = subprocess.run([sys.executable, "-m", "worker"], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(2, ran.returncode)
        self.assertIn("QUEUE_URL", json.loads(ran.stdout)["message"])


if __name__ == "__main__":
    unittest.main()
