"""Quality: what records must be, what came of that, and how the source's shape changes. Nothing here stores."""
