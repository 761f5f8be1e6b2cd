"""Where bytes and small state live: object stores, the relational ledger, the lake's connection. No meaning, only storage."""
