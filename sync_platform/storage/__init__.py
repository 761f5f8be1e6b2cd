"""Where bytes and small state live: object stores, the ledger, the lake's connection. No meaning, only storage."""
