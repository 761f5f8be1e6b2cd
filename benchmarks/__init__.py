"""Speed, measured as ratios in one run. Run by hand with `make bench`; never part of the tests."""
