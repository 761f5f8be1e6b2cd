"""The lake: typed tables and their whole history, committed together. DuckLake on DuckDB; SQL lives here and nowhere else."""
