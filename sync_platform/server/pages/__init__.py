"""The pages for people: the health of the installation, and one restaurant. Each is HTML that loads nothing."""
