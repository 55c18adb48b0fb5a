"""A local server that behaves as Airtable's API documentation says; started by ../server."""
