"""The labels and annotations by which an Application says which service and environment it is."""

LABEL_PREFIX = "slipway.dev/"
SERVICE_LABEL = f"{LABEL_PREFIX}service"
ENVIRONMENT_LABEL = f"{LABEL_PREFIX}environment"
DEADLINE_ANNOTATION = f"{LABEL_PREFIX}verification-deadline"
"""Seconds, as text, that a release may take until it is verified."""
SOAK_ANNOTATION = f"{LABEL_PREFIX}soak"
"""Seconds, as text, that a release must stay healthy until it is verified."""
WAIT_FOR_ADDRESS_ANNOTATION = f"{LABEL_PREFIX}wait-for-address"
"""Of an Ingress or a Service of type LoadBalancer: "false" if its controller never writes an address."""
REPLICAS_ANNOTATION = f"{LABEL_PREFIX}replicas"
"""Of a Deployment: "autoscaled" if an autoscaler counts its pods."""
URL_ANNOTATION = f"{LABEL_PREFIX}url"
"""Where the service answers in this environment, if it says."""
MENDED = {"pulumi.com/patchForce": "true"}
"""Annotation of what Pulumi owns in the cluster: changes by hand are taken back. Without it the API server reports a
conflict with the person who made them."""
