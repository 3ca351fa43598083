"""A platform that violates nothing, for tests that change one thing of it."""

import json
from typing import Any

from manifests.model import Settings
from stacks.settings import settings_of

PRODUCTION = {
    "name": "production",
    "sync": "manual",
    "approvers": ["leads"],
    "requires": ["dev"],
    "verificationDeadlineSeconds": 900,
}


def settings(**sections: Any) -> Settings:
    """Settings of a platform; `sections` replace parts of it, as a stack file would write them."""
    apps = {
        name: {"id": str(number), "installationId": str(number + 10)}
        for number, name in enumerate(("promoter", "requester", "argocd"), start=1)
    }
    described: dict[str, Any] = {
        "github": {"owner": "acme", "platformTeam": "platform", **apps},
        "cluster": {"kubeconfig": "kubeconfig", "context": "sandbox"},
        "argocd": {},
        "teams": [{"name": name, "existing": True} for name in ("web", "leads", "data", "platform")],
        "environments": [{"name": "dev"}, PRODUCTION],
        "services": [
            {"name": "guestbook", "template": "python-web", "team": "web"},
            {"name": "lake", "template": "go-web", "team": "data", "environments": ["dev"]},
        ],
    }
    texts = {f"{key}PrivateKey": "key" for key in ("promoter", "requester", "argocd")}
    texts |= {"githubToken": "token", "webhookSecret": "signed", "slackToken": "xoxb"}
    texts |= {key: json.dumps(value) for key, value in {**described, **sections}.items()}
    return settings_of("test", texts)
