"""Raw requests to every framework under every server."""
