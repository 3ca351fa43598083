"""Pure builders: what goes into Git or into the cluster, as dicts and text. Nothing here imports Pulumi."""
