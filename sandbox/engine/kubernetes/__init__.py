"""Applies Kubernetes resources by server-side apply, and Helm releases by helm."""
