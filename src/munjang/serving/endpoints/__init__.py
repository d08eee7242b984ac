"""Endpoints: from the body of a request to a response."""
