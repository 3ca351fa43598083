"""A faithful model of GitHub on loopback: REST, GraphQL, git over HTTP, rules, deployments, webhooks, Apps.

It is for rehearsals on one machine. It holds everything below one folder, survives being killed, and answers only what
GitHub answers: an unknown route is a 404 in GitHub's words and a line in `unknown-routes.log`.
"""
