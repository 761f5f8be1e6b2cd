"""Storage: object stores, the ledger, the audit log, leases, locks, and the connection to the lake.

What does not belong here: what the stored data means.
"""
