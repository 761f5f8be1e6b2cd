"""The server: one ASGI app on one port, behind one login."""
