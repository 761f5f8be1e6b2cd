"""Which listings of any number of sources are one place: normalised, paired, weighed, and gathered into clusters."""
