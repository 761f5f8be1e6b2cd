"""How a platform is declared and fetched: declaration, client, pace, paging. No platform's own facts live here."""
