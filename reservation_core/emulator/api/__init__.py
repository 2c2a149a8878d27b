"""The emulated REST API: requests to the platform, and its replies.

It knows nothing of sockets. :class:`InMemoryGateway` is at once the gateway for tests and the
handler behind the HTTP server.

* :mod:`gateway`: authentication, routing of requests, updates.
* :mod:`update_reading`: the form of an update becomes a command.
* :mod:`lists`: pages of reservations.
* :mod:`replies`: bodies and headers. :mod:`refusals`: error replies.
* :mod:`rate_limits`: the limit of each operation.
* :mod:`exchange_log`: the latest requests and replies. :mod:`log_text`: their short text.
"""
