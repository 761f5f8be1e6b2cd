"""The groups of commands with more than one word: `lineage verify`, `match decide`, and so on."""
