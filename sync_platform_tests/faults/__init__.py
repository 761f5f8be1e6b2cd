"""Every fault, on every platform it can happen to, held against one oracle: what an undisturbed sync would hold."""
