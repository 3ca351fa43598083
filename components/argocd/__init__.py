"""What the platform has in the cluster: Argo CD, its projects and its Applications."""
