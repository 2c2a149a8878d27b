"""Resources of a workspace in the emulated API: a task's whole life.

An official client can create a workspace, its activities, queues, workflows, workers and tasks, and
take a task through its life. Tasks are routed by :mod:`reservation_core.emulator.offers`. The
in-memory gateway for tests of reservations does not import this room.

* ``gateway``: :class:`~reservation_core.emulator.resources.gateway.WorkspaceGateway`, a gateway
  that answers these resources, too.
* ``engine``: create, fetch, list, update and delete, the same for every resource.
* ``tasks``, ``workers``, ``records``: where the engine finds and changes the resources.
* ``scene``: contents of a new workspace.
* ``declarations``: the resources with their parameters, filters and links, as data.
* ``kinds``: kinds of parameters. ``addresses``: paths. ``refused``: refusals.
"""
