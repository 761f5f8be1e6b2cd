"""The commands. Thin: each reads its arguments, calls the stages, and shows what came of it."""
