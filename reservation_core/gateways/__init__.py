"""HTTP gateways: each sends one request and returns one reply.

A gateway knows nothing about reservations. It never repeats a request and never follows a redirect.
It reports a failure by the class of its error. The delivery decides what to do about it.

* ``port``: the protocols ``Gateway`` and ``AsyncGateway``
* ``settings``: credentials, base URL, timeouts and limits, all checked
* ``failures``: the errors that gateways raise, and their texts
* ``reply_builder``: a reply that is read piece by piece
* ``base``: the checks before sending, the limit on connections, and closing
* ``workers``: worker threads, which end each wait in time and keep interrupts out of the client
* ``sockets``: shutting down a socket at a deadline
* ``pyreqwest``: the default gateways
* ``httpx2``: gateways on httpx2, with connections from ``httpx2_transport``
* ``aiohttp``: a gateway on aiohttp, with connections from ``aiohttp_connections``
* ``twilio``: gateways on a configured ``twilio`` client, with replies read by ``requests_support``
  and connections from ``requests_connections``
* ``given_clients``: replies and errors of an HTTP client that the service passes in
* ``closing``: closing of a gateway without connections, for tests

Import a gateway from its own module: each needs the HTTP client that it is named for.
"""
