"""`sync`, `backfill` and `unify`: the commands that bring the lake up to date."""
