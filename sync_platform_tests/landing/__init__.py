"""Tests of landing: the objects and manifests of a platform, and that no personal value is in clear."""
