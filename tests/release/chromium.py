"""The browser that the status page is looked at in."""

import shutil


def chromium() -> str | None:
    """Where Chromium is; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
