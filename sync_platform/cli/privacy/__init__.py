"""`privacy …`: access, erasure and the other requests of persons whose data is stored."""
