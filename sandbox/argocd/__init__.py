"""Argo CD in the sandbox: the Helm chart that installs it, made from the manifests of the pinned Argo CD itself."""
