"""Delivery of commands through a gateway, with at most one effect each.

The room knows requests, replies and the port of a gateway. It knows neither HTTP clients nor
storage, and only ``client`` does I/O.

* ``client``: perform, fetch and list, sync and async
* ``engine``: the delivery of one command, as a generator of requests and pauses
* ``pages``: the pages of a list
* ``reconciliation``: the rules that decide what became of a command
* ``policy``: the retry policy
* ``observer``: hooks of a delivery, and one that logs
* ``opentelemetry``: an observer that makes spans
"""
