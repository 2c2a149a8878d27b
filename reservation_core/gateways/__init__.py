"""HTTP gateways: each sends one request and returns one reply.

A gateway knows nothing about reservations. It never repeats a request and never follows a redirect.
The delivery policy decides what to do about a failure, by the class of the error.

* :mod:`port`: the protocols ``Gateway`` and ``AsyncGateway``.
* :mod:`settings`: credentials, base URL, timeouts and limits, all checked.
* :mod:`failures`: the wording of errors.
* :mod:`reply_builder`: a reply that is read piece by piece.
* :mod:`base`: guards, slots and closing.
* :mod:`pyreqwest`: the default gateways.
* :mod:`httpx2`: gateways on httpx2. :mod:`httpx2_transport` holds their connections.
* :mod:`aiohttp`: a gateway on aiohttp.
* :mod:`twilio`: gateways on a configured ``twilio`` client. :mod:`requests_support` reads the
  replies of ``requests`` for them.

Import a gateway from its own module: each needs the HTTP client that it is named for.
"""
