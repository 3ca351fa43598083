"""What the status page shows, made up: as much as there may be, and texts that are markup."""

from typing import Any

EVIL = "</script><img src=x onerror=document.title='owned'>"


def figures(week: float, lead: int, failed: float, restored: int | None) -> dict[str, Any]:
    return {
        "deployments_per_week": week,
        "lead_time_seconds": lead,
        "change_failure_rate": failed,
        "time_to_restore_seconds": restored,
    }


def large(services: int) -> dict[str, Any]:
    """A platform with so many services in four environments, as much of it said as there is to say."""
    places = ["dev", "qa", "staging", "production"]
    cell = {"version": "1.23.4", "state": "verified", "at": "2026-01-02T03:04:05+00:00", "by": "argocd[bot]"}
    return {
        "repository": "acme/environments",
        "url": "https://github.test/acme/environments",
        "made": "2026-01-02T05:00:00Z",
        "run": "",
        "environments": [
            {
                "name": name,
                "sync": "manual",
                "requires": places[:index][-1:],
                "images": "release" if index else "main",
                "delivery": "pull-request",
                "rollback": "automatic",
                "approval": name == "production",
                "approvers": ["platform"] if name == "production" else [],
                "windows": None,
                "tags": None,
                "services": services,
                "frozen": EVIL if name == "production" else None,
            }
            for index, name in enumerate(places)
        ],
        "services": [
            {
                "name": f"service-{number}",
                "team": "web",
                "url": f"https://github.test/acme/service-{number}",
                "in": dict.fromkeys(places, cell | ({"state": "failed", "said": EVIL} if number == 7 else {})),
            }
            for number in range(services)
        ],
        "releases": [
            {
                "service": EVIL,
                "environment": "dev",
                "version": "1",
                "at": "",
                "state": "failed",
                "back": "",
                "steps": [["2026-01-02T03:04:05Z", "failure", EVIL]],
                "url": "javascript:alert(1)",
            }
        ],
        "dora": [
            {
                "environment": "dev",
                "days": 30,
                **figures(3.5, 5400, 0.125, None),
                "weeks": [None, figures(4, 3000, 0.5, 100), figures(2, 9000, 0, None), figures(7, 4000, 0.1, 200)],
            }
        ],
    }
