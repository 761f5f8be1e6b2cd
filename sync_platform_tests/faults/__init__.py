"""Tests of every fault on every platform that can have it. The result is compared with that of an undisturbed sync."""
