"""Landing: every page as received, personal fields sealed, with a manifest that proves what came and what did not.

Nothing is judged or dropped here; that is for the stages after it.
"""
