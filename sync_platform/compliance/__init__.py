"""The compliance report: which obligations are met in a span of time, and the figures that prove it."""
