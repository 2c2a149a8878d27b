"""The emulator over HTTP: an ASGI application, and uvicorn adapted to it.

The package carries requests to the gateway and the control surface, and replies back. It decides
nothing about reservations.

* ``asgi``: the application, with fault injection, logging and timers.
* ``asgi_messages``: requests and replies as ASGI messages.
* ``connection``: one connection, with limits and a fast path for the emulated API.
* ``uvicorn_server``: uvicorn's server, with a quick end and a fallback.
* ``request_log``: lines of the request log.
"""
