import json
import os
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

from service.settings import Settings
from service.web import Application, serve


class WebTest(unittest.TestCase):
    def setUp(self) -> None:
        self.application = Application(Settings(port=0, version="1.2.3", commit="abc"))
        self.server = serve(self.application)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def tearDown(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.server.server_port}{path}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_says_its_version(self) -> None:
        status, text = self.get("/")
        self.assertEqual(200, status)
        self.assertEqual("1.2.3", json.loads(text)["version"])

    def test_is_alive_and_ready(self) -> None:
        self.assertEqual(200, self.get("/healthz")[0])
        self.assertEqual(200, self.get("/readyz?verbose")[0])

    def test_is_not_ready_but_alive_while_it_stops(self) -> None:
        self.application.draining.set()
        self.assertEqual(503, self.get("/readyz")[0])
        self.assertEqual(200, self.get("/healthz")[0])
        self.assertEqual(200, self.get("/")[0])

    def test_counts_requests(self) -> None:
        self.get("/")
        self.get("/nothing-here")
        text = self.get("/metrics")[1]
        self.assertIn('service_info{version="1.2.3",commit="abc"} 1', text)
        self.assertIn('http_requests_total{method="GET",path="/",status="200"} 1', text)
        self.assertIn('http_requests_total{method="GET",path="other",status="404"} 1', text)

    def test_measures_how_long_an_answer_took(self) -> None:
        self.get("/")
        text = self.get("/metrics")[1]
        self.assertIn('http_request_duration_seconds_bucket{path="/",le="+Inf"} 1', text)
        self.assertIn('http_request_duration_seconds_count{path="/"} 1', text)

    def test_unknown_path_is_not_found(self) -> None:
        self.assertEqual(404, self.get("/nothing-here")[0])


class ProcessTest(unittest.TestCase):
    """The process as the cluster runs it."""

    def setUp(self) -> None:
        environment = {**os.environ, "PORT": "0", "DRAIN_SECONDS": "0", "VERSION": "1.2.3"}
        command = [sys.executable, "-m", "service"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def tearDown(self) -> None:
        self.process.kill()
        self.process.communicate()

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def test_it_logs_requests_as_json(self) -> None:
        self.status("/?token=secret")
        line = json.loads(self.process.stdout.readline())
        self.assertEqual(("request", "/", 200), (line["message"], line["path"], line["status"]))

    def test_told_to_stop_it_ends_well(self) -> None:
        self.process.terminate()
        self.assertEqual(0, self.process.wait())


if __name__ == "__main__":
    unittest.main()
