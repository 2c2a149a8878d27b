"""Delivery of commands through a gateway, with at most one effect each.

This package knows requests, replies and the gateway protocols. It knows neither HTTP clients nor
storage. Only ``client`` does I/O.

* ``client``: perform, fetch and list, sync and async
* ``engine``: the delivery of one command, as a generator of requests and pauses
* ``pages``: the requests and replies of a list, page by page
* ``reconciliation``: the rules that decide after a fetch if a command was carried out
* ``policy``: the retry policy
* ``observer``: hooks of a delivery, and one that logs
* ``opentelemetry``: an observer that makes spans
"""
