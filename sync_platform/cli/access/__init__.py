"""Who may use an installation: people and tokens."""
