"""Personal data: one key per person, and the sealing (encryption) of personal fields before anything is written.

The vault is a separate database. Destroying a key in it makes every copy of that person's values in the lake, the
landing store and the backups unreadable.
"""
