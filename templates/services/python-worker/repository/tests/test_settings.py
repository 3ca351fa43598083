import unittest

from worker.settings import Settings
from worker.variables import SettingsError


class SettingsTest(unittest.TestCase):
    def test_variables_are_read(self) -> None:
        settings = Settings.from_environment({"QUEUE_URL": "memory:", "QUEUE": "orders", "ATTEMPTS": "2"})
        self.assertEqual(("orders", 2, 8080), (settings.queue, settings.attempts, settings.port))

    def test_what_is_wrong_is_named(self) -> None:
        for variables in ({}, {"QUEUE_URL": "http://x"}):
            with self.assertRaisesRegex(SettingsError, "QUEUE_URL"):
                Settings.from_environment(variables)
        for name in ("PORT", "ATTEMPTS", "RETRY_SECONDS", "REHEARSE_FAULT"):
            with self.assertRaisesRegex(SettingsError, name):
                Settings.from_environment({"QUEUE_URL": "memory:", name: "some"})

    def test_the_password_is_not_shown(self) -> None:
        self.assertNotIn("hush", repr(Settings.from_environment({"QUEUE_URL": "redis://:hush@queue"})))


if __name__ == "__main__":
    unittest.main()
