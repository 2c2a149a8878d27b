"""The campaign finds nothing wrong, in memory and over sockets through every gateway."""

import pytest

from reservation_core.emulator.faults import FaultKind
from tests.campaigns.delivery import GATEWAYS, campaign, main, wired

KINDS = {kind.value for kind in FaultKind if kind is not FaultKind.NONE}


def test_in_memory_nothing_goes_wrong() -> None:
    """Whatever befalls two thousand updates, none acts twice, no acknowledgement is lost and every verdict is right."""
    _, faults, wrong = campaign(2000, 1)
    assert wrong == []
    assert faults.keys() >= KINDS


@pytest.mark.parametrize("name", GATEWAYS)
def test_over_sockets_nothing_goes_wrong(name: str) -> None:
    """Over sockets, through each gateway, updates suffer the same faults and come to the same verdicts as in memory, none of them wrong."""
    with wired(name) as wire:
        verdicts, faults, wrong = campaign(60, 1, wire)
    assert wrong == []
    assert faults.keys() >= KINDS
    assert (verdicts, faults, wrong) == campaign(60, 1)
    assert wire.exchanges > 60
    assert wire.server.connections < 5


@pytest.mark.parametrize("gateway", ["memory", "pyreqwest"])
def test_the_counts_are_printed(gateway: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints what was injected and what went wrong, which is nothing, and where it went over sockets, how often."""
    assert main(["--updates", "50", "--gateway", gateway]) == 0
    counts = dict(
        line.rsplit("(", 1)[0].rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()
    )
    assert counts["updates"] == "50"
    assert int(counts["faults injected"]) > 0
    assert (
        counts["double actions"],
        counts["lost acknowledgements"],
        counts["wrong verdicts"],
    ) == ("0", "0", "0")
    assert ("over sockets" in counts) is (gateway != "memory")


def test_an_empty_campaign_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A campaign of no updates, which would find nothing wrong whatever the code, is refused."""
    with pytest.raises(SystemExit, match="2"):
        main(["--updates", "0"])
    assert "--updates must be 1 or more" in capsys.readouterr().err
