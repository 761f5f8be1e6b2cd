"""Landing: every page as received, with sealed personal fields, and a manifest that proves what arrived.

Nothing is validated or dropped here. The later stages do that.
"""
