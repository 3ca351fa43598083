"""A stack that breaks no rule, and ways to break exactly one."""

import copy
import json
from typing import Any

from tests.keys import pem

Values = dict[str, Any]

VALUES: Values = {
    "github": {
        "owner": "acme",
        "platformTeam": "platform",
        "promoter": {"id": "11", "installationId": "101"},
        "requester": {"id": "12", "installationId": "102"},
        "argocd": {"id": "13", "installationId": "103"},
    },
    "cluster": {"kubeconfig": "~/.kube/config", "context": "production"},
    "argocd": {"url": "https://argocd.example.com"},
    "teams": [
        {"name": "platform", "members": [{"login": "pat", "role": "maintainer"}]},
        {"name": "web", "members": [{"login": "dana"}, {"login": "sam"}]},
    ],
    "environments": [
        {"name": "dev", "images": "main"},
        {"name": "staging"},
        {
            "name": "production",
            "sync": "manual",
            "requires": ["staging"],
            "approvers": ["platform"],
            "tagPrefix": "prod",
        },
    ],
    "services": [{"name": "guestbook", "template": "python-web", "team": "web"}],
    "githubToken": "ghp_secret",
    "promoterPrivateKey": pem("promoter"),
    "requesterPrivateKey": pem("requester"),
    "argocdPrivateKey": pem("argocd"),
    "webhookSecret": "hush",
}
MARK = "slipway-test-e0e429"
"""What marks its things as the stack `test`'s."""
SECRETS = ("githubToken", "promoterPrivateKey", "requesterPrivateKey", "argocdPrivateKey", "webhookSecret")


def values(**changes: Any) -> Values:
    """The valid stack with some of its keys replaced; None removes a key."""
    result = copy.deepcopy(VALUES) | changes
    return {key: value for key, value in result.items() if value is not None}


def changed(path: str, value: Any) -> Values:
    """The valid stack with one place changed, such as `environments.2.requires`; None removes it."""
    result = values()
    here: Any = result
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        here = here[part]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return result


def texts(stack: Values) -> dict[str, str]:
    """The stack as Pulumi hands it to the program."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in stack.items()}
