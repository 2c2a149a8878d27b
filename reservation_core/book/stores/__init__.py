"""Stores of a book.

* ``port``: the two protocols of a store, for threads and for an event loop.
* ``adapters``: a store for threads, used in an event loop.
* ``memory``, ``sqlite``, ``postgres``: the stores; ``sqlite_statements`` and
  ``postgres_statements`` hold their tables and SQL.
* ``documents``: entries and history lines as JSON.
* ``group_commit``: one commit for all callers that wait at the same time.

A store does not know the rules of merging. ``reservation_core.testing.contract.book`` tests what
every store must do.
"""
