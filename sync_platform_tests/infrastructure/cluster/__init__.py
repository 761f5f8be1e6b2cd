"""The real API server and controllers of Kubernetes, for tests of the chart."""
