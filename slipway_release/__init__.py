"""The release program: it promotes, verifies, rolls back and holds versions, and nothing else.

It runs in workflows on a bare runner, so it needs Python 3.11 and its standard library only. It
owns every write to `environments/<environment>/<service>/release.yaml`, and the ledger: GitHub
deployments on this repository and on the services' repositories. What it is told by a client it
checks with the API before it acts.

The platform copies this package into each environment repository, where workflows run it with
`python3 .slipway/slipway_release`; nothing of the platform is imported here.
"""
