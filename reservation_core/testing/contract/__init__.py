"""Contracts: tests that the author of a gateway or store inherits.

* :mod:`gateway`: ``GatewayContract``, ``AsyncGatewayContract``, ``OwnClientContract`` and
  ``AsyncOwnClientContract``.
* :mod:`book`: ``BookContract`` and ``AsyncBookContract``.
* :mod:`loopback`: a scripted server. It needs no pytest.

Import a contract from its own module: ``pytest.register_assert_rewrite`` must name the module
before it is imported.
"""
