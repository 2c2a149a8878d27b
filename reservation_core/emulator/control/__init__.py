"""Control surface of the emulator: JSON routes, event feed and page.

The package lets a test or a developer create workers and tasks, play the caller and the worker,
move the clock, inject faults and watch what happens, all under ``/_emulator``. It decides nothing:
the platform does. It does no I/O and knows nothing of ASGI.

* ``surface``: requests and replies of the control surface.
* ``routes``: the table of routes, and the functions behind them.
* ``route``: one route, and functions that make one.
* ``openapi`` and ``body_schema``: the routes and their bodies in OpenAPI 3.1.
* ``state``: what the routes work on.
* ``overview``: reservations as a page shows them, and the actions that are available for each.
* ``callbacks``: callback settings, results and alerts as JSON.
* ``seed``: workers, tasks and reservations to load from a document.
* ``credentials``: masks passwords and tokens in the JSON that is shown.
* ``feed``: server-sent events.
* ``assets``: the files of the page.
"""
