"""The emulated platform: its state, its rules and its time.

It does no I/O but for files of settings, and knows nothing of HTTP. :class:`Platform` is composed
of parts, each of which imports only from those below it:

* ``platform``: the public face. It opens a transaction for every action.
* ``actions``: actions on calls, tasks and workers.
* ``creation``: creation of workers, tasks and given reservations.
* ``transitions``: steps of the lifecycle, by commands and facts.
* ``routing``: reservation of a worker for a task, and the task's status.
* ``preconditions``: what instructions need of the task, the worker and the call.
* ``storage``: transactions, timers, the journal and its subscribers.
* ``tables``: what is stored, with an index and an undo log.
* ``settings`` and ``settings_file``, ``clock``, ``validation``, ``errors``.
* ``model``: workers, tasks, reservations and journal entries as frozen values.
"""
