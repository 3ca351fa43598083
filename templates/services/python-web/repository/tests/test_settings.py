import unittest

from service.settings import Settings
from service.variables import SettingsError
from service.web import Application


class SettingsTest(unittest.TestCase):
    def test_nothing_needs_to_be_set(self) -> None:
        self.assertEqual(Settings(), Settings.from_environment({}))

    def test_variables_are_read(self) -> None:
        settings = Settings.from_environment({"PORT": "9000", "VERSION": "1.2.3", "GREETING": "Ahoy"})
        self.assertEqual((9000, "1.2.3", "Ahoy"), (settings.port, settings.version, settings.greeting))

    def test_a_wrong_number_is_named(self) -> None:
        with self.assertRaisesRegex(SettingsError, "PORT: 'http'"):
            Settings.from_environment({"PORT": "http"})

    def test_a_number_that_is_no_port_is_named(self) -> None:
        with self.assertRaisesRegex(SettingsError, "PORT: 99999 is not a port"):
            Settings.from_environment({"PORT": "99999"})

    def test_a_rehearsed_fault_keeps_it_from_being_ready(self) -> None:
        settings = Settings.from_environment({"REHEARSE_FAULT": "unready"})
        self.assertEqual(503, Application(settings).answer("/readyz")[0])

    def test_an_unknown_fault_is_refused(self) -> None:
        with self.assertRaisesRegex(SettingsError, "REHEARSE_FAULT"):
            Settings.from_environment({"REHEARSE_FAULT": "everything"})


if __name__ == "__main__":
    unittest.main()
