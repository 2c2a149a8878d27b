"""The emulated REST API: requests to the platform, and its replies.

It knows nothing of sockets. :class:`InMemoryGateway` is at once the gateway for tests and the
handler behind the HTTP server.

* ``gateway``: authentication, routing of requests, updates.
* ``update_reading``: the form of an update becomes a command.
* ``lists``: pages of reservations.
* ``replies``: bodies and headers. ``refusals``: error replies.
* ``rate_limits``: the limit of each operation.
* ``exchange_log``: the latest requests and replies. ``log_text``: their short text.
"""
