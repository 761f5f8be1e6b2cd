"""Tests, laid out as the package they test. Run them with `make test`."""
