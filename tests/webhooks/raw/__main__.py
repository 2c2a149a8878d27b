"""Print the outcomes of the table that are not the expected ones."""

from __future__ import annotations

import sys

from tests.webhooks.raw.campaign import running_servers, send_table

with running_servers() as ports:
    results = send_table(ports)
wrong = [result for result in results if not result.is_right]
for result in wrong:
    sys.stdout.write(f"{result}\n")
sys.stdout.write(
    f"{len(results)} requests, {', '.join(ports)}: {len(wrong)} other outcomes than expected\n"
)
raise SystemExit(bool(wrong))
