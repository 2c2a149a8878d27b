"""Offers of routed tasks to available workers.

The routing is deliberately small. A task that has a queue is offered to the available workers of
its workspace, the longest idle first, up to the queue's ``MaxReservedWorkers``. After a rejection
or a time-out the next worker is asked, until the task's own time-out. A worker is asked again only
after all other available workers were asked. Expressions, filters and routing steps are kept and
not evaluated.

* ``router``: observes the platform and reserves workers.
* ``events``: events of tasks and workers, from the values before and after a change.
* ``lines``: ordered lines of waiting tasks and idle workers.
"""
