"""The service as deployed: ``python -m tests.examples.service.serve``.

The environment holds its settings.
"""

import logging
import os
import sys

import uvicorn

from reservation_core.book import DEFAULT_OLDER_THAN, AsyncBook, SQLiteStore, ThreadedStore
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway
from reservation_core.gateways.settings import default_base_url
from reservation_core.webhooks import Verifier
from tests.examples.service.service import Service


def main() -> None:
    """Serve until a signal ends the process."""
    given = os.environ
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    service = Service(
        Verifier(given["TWILIO_AUTH_TOKEN"], public_url=given.get("PUBLIC_URL")),
        AsyncBook(ThreadedStore(SQLiteStore(given.get("BOOK", "reservations.db")))),
        AsyncPyreqwestGateway(base_url=given.get("TASKROUTER_URL") or default_base_url()),
        sweep_every=float(given.get("SWEEP_EVERY", "30")),
        patience=float(given.get("PATIENCE", DEFAULT_OLDER_THAN)),
    )
    uvicorn.run(
        service.app(), port=int(given.get("PORT", "8000")), log_config=None, access_log=False
    )


if __name__ == "__main__":
    main()
