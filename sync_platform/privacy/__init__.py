"""Privacy requests of persons: access to what is stored about them, erasure, correction and restriction.

What belongs here: what a request does to stored data. Keys and sealing belong in vault/.
"""
