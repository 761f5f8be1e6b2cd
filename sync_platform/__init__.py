"""sync-platform: synchronises Hong Kong's restaurant data from eight platforms, with a verifiable history."""

import logging

__version__ = "1.0.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # nothing is written before logs/ is configured
