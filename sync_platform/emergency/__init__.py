"""Emergency runs: requests to sync platforms out of turn, who made them and why, and what became of them."""
