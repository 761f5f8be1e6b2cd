"""Personal data: keys per person, and the sealing of their fields before anything is written.

The vault is a database of its own, apart from lake, landing and ledger, so that destroying a key here makes every
copy elsewhere unreadable.
"""
