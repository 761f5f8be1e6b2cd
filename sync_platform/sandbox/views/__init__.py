"""How each platform sees the city: one module per platform, and what they share in `view`."""
