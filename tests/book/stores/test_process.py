"""Test of the process that opened a store, with a real fork."""

import os

import pytest

from reservation_core.book import StoreFailed
from reservation_core.book.stores.process import OpeningProcess


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_child_is_not_the_process_that_opened_the_store() -> None:
    opened_by = OpeningProcess()
    opened_by.require_current()
    if (child := os.fork()) == 0:
        try:
            opened_by.require_current()
        except StoreFailed:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
