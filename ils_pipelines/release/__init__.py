"""The application on Kubernetes: what is released, how it is compared, applied and watched until it is healthy."""
