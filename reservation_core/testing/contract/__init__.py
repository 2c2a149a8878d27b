"""Contracts: tests that the author of a gateway or of a store inherits.

* :mod:`gateway`: ``GatewayContract``, ``AsyncGatewayContract``, ``OwnClientContract`` and
  ``AsyncOwnClientContract``.
* :mod:`book`: the contract of a book's store.
* :mod:`loopback`: a server that answers with any bytes. It needs no pytest.

Import a contract from its own module, so that ``pytest.register_assert_rewrite`` can name it first.
"""
