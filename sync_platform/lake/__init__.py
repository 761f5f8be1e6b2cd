"""The lake: typed tables and their whole history, committed together. SQL lives here and nowhere else."""
