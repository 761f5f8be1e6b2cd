"""How a platform is declared, fetched and decoded. What is special about one platform does not belong here."""
