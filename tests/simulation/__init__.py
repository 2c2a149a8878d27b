"""Simulation of several nodes on one book, under a deterministic scheduler.

The real :class:`~reservation_core.book.AsyncBook` runs over a real store and the emulated
platform. Each call of the store and each request waits at a gate, and the scheduler chooses what
happens next: a step of a node, the loss of a request or of a reply, a crash, the end of a lease.

* ``runs``: all runs of a scenario, or drawn ones. The command is ``python -m tests.simulation``.
* ``choices``: every choice within a bound, or drawn ones.
* ``world``: nodes, store, platform and time, and the steps that are possible.
* ``scenarios``: programs of the nodes.
* ``invariants``: what must hold after each step, and in the end.
* ``orders``: every order of reports.
"""
