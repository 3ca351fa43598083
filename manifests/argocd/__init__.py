"""What Argo CD is told: the values of its chart, who may do what in it, and whom it notifies of what."""
