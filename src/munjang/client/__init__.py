"""Clients of `munjang serve`, sync and async. They import neither torch nor the server."""
