"""Rules over several parameters."""

from __future__ import annotations

from typing import Final

import pytest

from reservation_core import (
    Call,
    Command,
    Conference,
    Dequeue,
)
from reservation_core.testing.strategies import build
from tests.domain.commands.helpers import (
    SIP,
    URL,
    blamed,
    refused,
)

CASES: Final[list[tuple[type[Command], dict[str, object], str | None]]] = [
    (Dequeue, {"to": SIP, "timeout": 600}, None),
    (Dequeue, {"to": SIP, "timeout": 601}, "DequeueTimeout"),
    (Dequeue, {"to": "SIPS:a@b", "timeout": 999}, "DequeueTimeout"),
    (Dequeue, {"to": "client:sip:a@b", "timeout": 999}, None),
    (Dequeue, {"to": "+15005550006", "timeout": 999}, None),
    (Dequeue, {"timeout": 999}, None),
    (Dequeue, {"to": SIP, "from_": "not a user part"}, None),
    (Dequeue, {"to": "+15005550006", "from_": "bob"}, "DequeueFrom"),
    (Dequeue, {"to": "+15005550006", "from_": "18001234567"}, None),
    (Dequeue, {"to": "+442071838750", "from_": "bob"}, "DequeueFrom"),
    (Dequeue, {"to": "+15005550006"}, None),
    (Dequeue, {"to": "client:alice", "from_": "bob"}, None),
    (Dequeue, {"from_": "bob"}, None),
    (Call, {"from_": "5550006", "url": URL, "to": SIP, "timeout": 601}, "CallTimeout"),
    (Call, {"from_": "5550006", "url": URL, "to": SIP, "timeout": 600}, None),
    (Call, {"from_": "bob", "url": URL, "to": "+15005550006"}, "CallFrom"),
    (Call, {"from_": "12", "url": URL, "to": "+15005550006"}, "CallFrom"),
    (Call, {"from_": "123", "url": URL, "to": "+15005550006"}, None),
    (Call, {"from_": "+123456789012345", "url": URL, "to": "+15005550006"}, None),
    (Call, {"from_": "+1234567890123456", "url": URL, "to": "+15005550006"}, "CallFrom"),
    (Call, {"from_": "bob", "url": URL, "to": "joey"}, None),
    (Conference, {"to": SIP, "timeout": 601}, "Timeout"),
    (Conference, {"to": SIP, "timeout": 600}, None),
    (Conference, {"to": "+15005550006", "from_": "bob"}, "From"),
    (Conference, {"to": "+15005550006", "from_": "+15005550007"}, None),
    (Conference, {"to": SIP, "from_": "agent.7"}, None),
    (Conference, {"to": SIP, "from_": "sip:agent@example.com"}, "From"),
    (Conference, {"to": SIP, "from_": "an agent"}, "From"),
    (Conference, {"to": SIP, "from_": "agent@example.com"}, "From"),
    (Conference, {"to": "client:alice", "from_": "an agent"}, None),
    (Conference, {"from_": "an agent"}, None),
    (Conference, {"to": "15005550006", "from_": "bob"}, None),
    (Conference, {"to": "whatsapp:+15005550006", "from_": "bob", "timeout": 601}, None),
]


@pytest.mark.parametrize(("kind", "keywords", "wrong"), CASES, ids=str)
def test_rule_blames_its_first_parameter(
    kind: type[Command], keywords: dict[str, object], wrong: str | None
) -> None:
    if wrong is None:
        assert build(kind, keywords).form()
        return
    (violation,) = refused(build, kind, keywords).violations
    assert violation.parameter == wrong
    assert "when the contact is" in violation.rule


def test_rules_are_reported_in_order_with_other_violations() -> None:
    assert blamed(
        refused(build, Conference, {"to": SIP, "from_": "an agent", "timeout": 601, "muted": 1})
    ) == [
        "From",
        "Timeout",
        "Muted",
    ]
    assert blamed(
        refused(build, Conference, {"to": "sip:\n", "from_": "an agent", "timeout": 601})
    ) == ["To"]
    assert blamed(refused(build, Conference, {"to": SIP, "timeout": 1000})) == ["Timeout"]
    assert blamed(refused(build, Dequeue, {"to": 15005550006, "from_": "bob"})) == ["DequeueTo"]
