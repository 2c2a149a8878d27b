"""Test kit for services that handle reservations.

It offers fault injection, generated values and runs, and the contracts of gateways and stores. It
may import every room except the command line. The pytest plugin and hypothesis' entry point are
outside the package, in ``_reservation_core_plugins``.

* ``faults``: a gateway wrapper with planned faults, and virtual time
* ``recording``: a gateway that replies by script and records
* ``signing``: signed webhooks for the test clients of web frameworks
* ``paths``: every path through the lifecycle
* ``strategies``: hypothesis strategies
* ``registration``: hypothesis' ``st.from_type``
* ``stateful``: generated runs around a service
* ``contract``: test classes for your gateway or your store
* ``lifecycle_coverage``: counts of walked edges and met refusals
* ``coverage_plugin``: lifecycle coverage of a pytest run
"""
