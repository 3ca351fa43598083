"""Examples of sync windows: each is given to the settings, and to Argo CD where the sandbox runs."""

from typing import Any

WINDOW: dict[str, Any] = {"kind": "deny", "schedule": "0 22 * * 5", "duration": "58h", "timeZone": "Europe/Berlin"}

TAKEN: tuple[tuple[str, str], ...] = (
    ("kind", "allow"),
    ("schedule", "  0  22 * *\t5 "),
    ("schedule", "*/15 0-6,22-23 1-31/2 jan-MAR,12 ? "),
    ("schedule", "5/20 00 * * Mon-fri"),
    ("schedule", "0 0 29 2 *"),
    ("schedule", "0 0 30 2 0-6"),
    ("schedule", "*/60 * * * *"),
    ("duration", "1h30m0.5s"),
    ("duration", "90m"),
    ("duration", "0h1s"),
    ("duration", "2562047h"),
    ("timeZone", "UTC"),
    ("timeZone", "America/Argentina/Buenos_Aires"),
)
"""Taken by both."""

REFUSED: tuple[tuple[str, str, str], ...] = (
    ("kind", "block", "deny"),
    ("schedule", "@daily", "not a schedule"),
    ("schedule", "0 22 * * 5 2027", "not a schedule"),
    ("schedule", "60 * * * *", "'60' does not fit the minute"),
    ("schedule", "0 22 * * 7", "'7' does not fit the day of the week"),
    ("schedule", "0 22-8 * * *", "'22-8' does not fit the hour"),
    ("schedule", "0 22 0 * *", "day of the month"),
    ("schedule", "*/0 * * * *", "minute"),
    ("schedule", "*/\u0665 * * * *", "minute"),
    ("schedule", "\u0665 * * * *", "minute"),
    ("schedule", "1-2-3 * * * *", "minute"),
    ("schedule", "1/2/3 * * * *", "minute"),
    ("schedule", "0 0 * * sat-sun", "day of the week"),
    ("schedule", "0 0 * sun *", "month"),
    ("schedule", "0 22 * * 5L", "day of the week"),
    ("duration", "2d", "48h"),
    ("duration", "8", "not a duration"),
    ("duration", "\u0668h", "not a duration"),
    ("duration", "8h ", "not a duration"),
    ("duration", "2562048h", "2562047h"),
    ("duration", "9" * 18 + "h", "2562047h"),
)
"""Refused by both, and words of our message."""

MISREAD: tuple[tuple[str, str, str], ...] = (
    ("schedule", "0 0 30 2 *", "never comes"),
    ("schedule", "0 0 31 4,6,sep,11 *", "never comes"),
    ("schedule", "0 0 31 2 0,*", "never comes"),
    ("schedule", ", * * * *", "minute"),
    ("schedule", "*-5 * * * *", "minute"),
    ("schedule", "1,,2 * * * *", "minute"),
    ("schedule", "TZ=Asia/Tokyo 0 22 * * 5", "not a schedule"),
    ("duration", "0", "not a duration"),
    ("duration", "0h", "from 1s"),
    ("duration", "0.0000000001s", "from 1s"),
    ("duration", "-8h", "not a duration"),
    ("timeZone", "Berlin", "Europe/Berlin"),
    ("timeZone", "US/Eastern", "America/New_York"),
    ("timeZone", "CET", "Europe/Berlin"),
    ("timeZone", "Local", "UTC"),
)
"""Taken by Argo CD and refused by the settings, since it does something else than it looks."""
