"""The page, in a real browser: what it shows is what the emulator holds, live, whoever moves it; and it is safe whatever is held."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from reservation_core import Conference, Status
from reservation_core.emulator import CallbackSettings, ManualClock, Platform, RealClock
from reservation_core.emulator.server import Emulator, running_emulator
from reservation_core.rest.messages import Reply
from tests.emulator import worlds
from tests.emulator.receiver import running_receiver
from tests.emulator.wire import ask
from tests.emulator.worlds import WORKERS, WORKSPACE, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

BROWSER: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT: Final = 5000.0
"""Milliseconds that any wait lasts at most."""

HOSTILE: Final = "<img src=x onerror=\"document.title='owned'\"> & </script><script>document.title='owned'</script>"

needs_a_browser: Final = pytest.mark.skipif(
    BROWSER is None,
    reason="THE PAGE IS NOT TESTED: no browser is installed; apt-get install chromium (or put one on the PATH)",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    """Start a browser once for all tests, with nothing in it."""
    from playwright.sync_api import sync_playwright

    home = tmp_path_factory.mktemp("browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER,
            args=list(FLAGS),
            env={"HOME": str(home), "PATH": "/usr/bin:/bin", "XDG_CONFIG_HOME": str(home)},
        )
        yield browser
        browser.close()


class Visit:
    """A visit to the page of an emulator: what the browser shows, what it asked for, and what it complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page: Final = page
        self.url: Final = url
        self.asked: Final[list[str]] = []
        self.complaints: Final[list[str]] = []
        page.set_default_timeout(WAIT)

        def ask_for(request: Request) -> None:
            self.asked.append(request.url)

        def complain(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(message.text)

        page.on("request", ask_for)
        page.on("console", complain)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, sid: str = "") -> Visit:
        """Open the page, at a reservation."""
        self.page.goto(f"{self.url}/_emulator/#{sid}")
        self.page.wait_for_selector('#link[data-link="live"]')
        return self

    def row(self, sid: str) -> Locator:
        """Find the row of a reservation."""
        return self.page.locator(f'#rows button[title="{sid}"]')

    def until(self, sid: str, text: str) -> None:
        """Wait until the row of a reservation shows a text."""
        self.row(sid).filter(has_text=text).wait_for()

    def button(self, name: str) -> Locator:
        """Find what lets something happen."""
        return self.page.locator(f'#actions button[data-name="{name}"]')

    def enabled(self) -> set[str]:
        """Name what may happen, as the buttons have it."""
        return set(
            self.page.eval_on_selector_all(
                "#actions button:enabled", "all => all.map(each => each.dataset.name)"
            )
        )

    def lit(self, kind: str) -> set[str]:
        """Name what is lit in the picture, and so."""
        return set(
            self.page.eval_on_selector_all(f"svg .{kind}[id]", "all => all.map(each => each.id)")
        )

    def journal(self) -> list[str]:
        """Read the journal, the newest first."""
        return self.page.locator("#entries li").all_inner_texts()


@pytest.fixture
def visit(browser: Browser, emulator: Emulator) -> Iterator[Visit]:
    """Open a new window at the emulator; in the end nothing was complained of and nobody else was asked."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    visit = Visit(context.new_page(), emulator.url)
    yield visit
    context.close()
    assert visit.complaints == []
    assert [url for url in visit.asked if not url.startswith(f"{emulator.url}/")] == []


@pytest.fixture
def world(emulator: Emulator) -> World:
    """People and a task in the emulator."""
    return worlds.people(emulator.platform)


def update(emulator: Emulator, sid: str, form: str, **headers: str) -> int:
    """Update a reservation as any HTTP client does; give the status of the answer."""
    return ask(
        emulator.url,
        "POST",
        worlds.path(sid),
        form,
        {name.replace("_", "-"): value for name, value in headers.items()},
    ).status


CONFERENCE: Final = "Instruction=conference&From=%2B15005550006&To=client:alice"


# --- in the browser ----------------------------------------------------------------------------------------------------------------


@needs_a_browser
def test_the_list_shows_what_is_held(visit: Visit, world: World) -> None:
    """Every reservation is listed with its state, its version, its worker and its timer, the newest on top and selected."""
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    visit.go()
    assert visit.page.eval_on_selector_all(
        "#rows button", "all => all.map(each => each.title)"
    ) == [second, first]
    shown = visit.row(first).inner_text()
    assert re.sub(r"\s+", " ", shown) == f"pending 2:00 WR…{first[-8:]} Worker 0 version 0"
    assert visit.row(second).get_attribute("aria-pressed") == "true"
    assert visit.page.locator("#sid").inner_text() == second
    assert visit.page.locator("#count").inner_text() == "2"


@needs_a_browser
def test_what_others_do_appears_by_itself(visit: Visit, emulator: Emulator, world: World) -> None:
    """What a client of the API does is seen without a reload: a new row, a new state, the request, the decision and its reason."""
    first = world.sid()
    visit.go(first)
    second = world.sid(WORKERS[1])
    visit.until(second, "pending")
    assert update(emulator, first, "ReservationStatus=accepted") == 200
    visit.until(first, "accepted")
    visit.until(first, "version 1")
    visit.until(second, "rescinded")
    visit.page.locator("#entries .kind", has_text="request").wait_for()
    decision, request, reserved = visit.journal()
    assert "pending → accepted" in decision
    assert (
        "the worker takes the task at once [documented: https://www.twilio.com/docs/taskrouter/api/reservations]"
        in decision
    )
    assert "Accept() → 200" in request
    assert "accepted, version 1" in request
    assert "Reserved" in reserved


@needs_a_browser
def test_a_refused_request_says_why(visit: Visit, emulator: Emulator, world: World) -> None:
    """Beside each refused request stands the reason: the rule and what is allowed instead, or the version that was expected."""
    sid = world.sid()
    visit.go(sid)
    assert update(emulator, sid, "ReservationStatus=wrapping") == 400
    assert update(emulator, sid, "ReservationStatus=accepted", If_Match="7") == 412
    visit.page.check("#refused")
    visit.page.locator("#entries li.refused").nth(1).wait_for()
    stale, illegal = visit.page.locator("#entries .why").all_inner_texts()
    assert "only accepted work can be wrapped up [inferred: " in illegal
    assert "Allowed instead: accept, reject, dequeue, call, redirect, conference." in illegal
    assert "asked for version '7', but the reservation is at version 0" in stale
    assert len(visit.journal()) == 2


@needs_a_browser
def test_the_picture_shows_place_and_path(visit: Visit, emulator: Emulator, world: World) -> None:
    """The box where the selected reservation stands is lit, and the edges it took; those of another one when that is selected."""
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    update(emulator, first, CONFERENCE)
    emulator.platform.answer_call(first)
    visit.go(first)
    assert visit.lit("here") == {"state-accepted"}
    assert visit.lit("passed") == {"state-pending", "state-onHold"}
    walked = {
        "edge-pending-conference-onHold",
        "edge-onHold-accepted-accepted",
        "line-pending-onHold-command",
        "line-onHold-accepted-fact",
    }
    assert visit.lit("walked") == walked
    visit.row(second).click()
    assert visit.lit("here") == {"state-rescinded"}
    assert visit.lit("walked") == {
        "edge-pending-rescinded-rescinded",
        "line-pending-rescinded-fact",
    }
    assert visit.page.url.endswith(f"#{second}")


@needs_a_browser
def test_the_buttons_move_it(visit: Visit, emulator: Emulator, world: World) -> None:
    """Only what is possible can be pressed, as the emulator has it, and pressing does it: asked, answered, wrapped up, completed."""
    sid = world.sid()
    visit.go(sid)
    for name, state in (
        ("ask_conference", "on hold"),
        ("answer_call", "accepted"),
        ("wrapping", "wrapping"),
        ("complete_task", "completed"),
    ):
        assert visit.button("answer_call").is_enabled() is (name == "answer_call")
        visit.button(name).click()
        visit.until(sid, state)
        assert {name for name in visit.enabled() if not name.startswith("ask_")} == set(
            emulator.platform.available_actions(sid)
        )
    assert emulator.platform.get(sid).status is Status.COMPLETED
    assert visit.enabled() == {"delete_task"}
    visit.button("delete_task").click()
    visit.page.locator("#facts", has_text="its task was deleted").wait_for()
    assert visit.row(sid).count() == 0


@needs_a_browser
def test_the_timer_counts_by_the_emulators_clock(
    visit: Visit, emulator: Emulator, world: World
) -> None:
    """A timer stands still while the clock does, goes on with it, stops while on hold, and ends in a time-out."""
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    visit.go(first)
    visit.page.click('#passing button[data-seconds="60"]')
    visit.until(first, "1:00")
    emulator.platform.execute(first, Conference(from_="+15005550006"))
    emulator.platform.advance(51)
    visit.until(second, "0:09")
    visit.until(first, "paused at 1:00")
    assert visit.page.locator("#now").inner_text() == "00:01:51"
    emulator.platform.advance(9)
    visit.until(second, "timeout")
    visit.until(first, "paused at 1:00")


@needs_a_browser
def test_hostile_text_is_only_text(visit: Visit, emulator: Emulator, world: World) -> None:
    """A name, attributes or a request full of markup is shown as it is written, and nothing of it is carried out."""
    worker = emulator.platform.add_worker(WORKSPACE, name=HOSTILE, attributes={HOSTILE: HOSTILE})
    sid = world.sid(worker.sid)
    visit.go(sid)
    ask(emulator.url, "POST", f"/v1/{HOSTILE.replace(' ', '+')}", HOSTILE)
    ask(emulator.url, "POST", worlds.path(sid), f"ReservationStatus={HOSTILE}")
    visit.page.check("#every")
    visit.page.locator("#entries li.refused").nth(1).wait_for()
    assert HOSTILE in visit.row(sid).inner_text()
    assert HOSTILE in visit.page.locator("#facts").inner_text()
    assert visit.page.locator("main img, main script").count() == 0
    assert visit.page.title() == "Reservations in the emulator"


@needs_a_browser
def test_the_list_is_filtered(visit: Visit, world: World) -> None:
    """The list is narrowed down by a part of a SID or a name, by a status, and tells how many are left; arrow keys go along it."""
    sids = [world.sid(worker) for worker in WORKERS]
    world.platform.set_status(sids[0], Status.REJECTED)
    visit.go(sids[2])
    visit.page.fill("#filter", "WORKER 1")
    assert visit.page.locator("#rows button").count() == 1
    visit.page.fill("#filter", sids[0][-6:])
    visit.row(sids[0]).wait_for()
    visit.page.select_option("#status", "live")
    assert visit.page.locator("#unmatched").is_visible()
    visit.page.fill("#filter", "")
    assert visit.page.locator("#count").inner_text() == "2 of 3"
    visit.row(sids[2]).focus()
    visit.page.keyboard.press("ArrowDown")
    assert visit.row(sids[1]).get_attribute("aria-pressed") == "true"
    visit.page.click("#copy")
    visit.page.locator("#copied", has_text=re.compile("Copied|Selected")).wait_for()


@needs_a_browser
def test_who_has_nothing_is_shown_how_to_begin(visit: Visit, emulator: Emulator) -> None:
    """An emulator that holds nothing says how to begin, and makes an example at the press of a button."""
    visit.go()
    assert (
        f'client.taskrouter.base_url = "{emulator.url}"'
        in visit.page.locator("#empty").inner_text()
    )
    visit.page.click("#try")
    visit.page.locator("#rows button").nth(1).wait_for()
    assert visit.page.locator("#empty").is_hidden()
    visit.page.locator("#detail").wait_for()
    assert [reservation.status for reservation in emulator.platform.all()] == [Status.PENDING] * 2
    assert {"ask_accept", "ask_conference", "hang_up"} <= visit.enabled()
    visit.page.click("#settings summary")
    visit.page.locator("#set dt", has_text="reservation_timeout").wait_for()


@needs_a_browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_the_window(
    browser: Browser, emulator: Emulator, world: World, width: int, scheme: str
) -> None:
    """Nothing sticks out of a wide or a narrow window, and the ground is as light or dark as the reader likes it."""
    update(emulator, world.sid(), CONFERENCE)
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    visit = Visit(context.new_page(), emulator.url).go()
    assert visit.page.evaluate("document.documentElement.scrollWidth") == width
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) < 60) is (scheme == "dark")
    box, view = (
        visit.page.locator("#state-onHold").bounding_box(),
        visit.page.locator("#scroll").bounding_box(),
    )
    assert box is not None
    assert view is not None
    assert view["x"] <= box["x"]
    assert box["x"] + box["width"] <= view["x"] + view["width"]
    context.close()
    assert visit.complaints == []


@needs_a_browser
def test_it_goes_on_when_the_emulator_is_back(browser: Browser) -> None:
    """When the emulator goes away the page says so; when it is back, the page shows what happened meanwhile, by itself."""
    platform = Platform(ManualClock())
    world = worlds.people(platform)
    sid = world.sid()
    context = browser.new_context()
    with running_emulator(platform) as emulator:
        visit = Visit(context.new_page(), emulator.url).go(sid)
        port = int(emulator.url.rpartition(":")[2])
    visit.page.locator("#alert-text", has_text="The emulator does not answer").wait_for()
    assert visit.page.locator("#link").get_attribute("data-link") == "lost"
    platform.set_status(sid, Status.ACCEPTED)
    platform.set_status(sid, Status.WRAPPING)
    with running_emulator(platform, port=port):
        visit.until(sid, "wrapping")
        visit.page.wait_for_selector('#link[data-link="live"]')
        visit.page.locator("#entries li").nth(2).wait_for()
        assert visit.page.locator("#alert").is_hidden()
        assert visit.lit("here") == {"state-wrapping"}
        assert len(visit.journal()) == 3
        context.close()


@needs_a_browser
def test_a_timer_runs_by_itself(browser: Browser) -> None:
    """Where time is real a timer counts down without anybody telling the page, at the emulator's pace."""
    with running_emulator(Platform(RealClock(30))) as emulator:
        sid = worlds.people(emulator.platform).sid()
        context = browser.new_context()
        visit = Visit(context.new_page(), emulator.url).go(sid)
        first = visit.row(sid).locator(".timer").inner_text()
        visit.page.wait_for_function(
            "text => document.querySelector('#rows .timer').textContent < text", arg=first
        )
        assert "30 times as fast" in visit.page.locator("#pace").inner_text()
        context.close()


@needs_a_browser
def test_notices_are_shown_as_they_are(browser: Browser) -> None:
    """A notice of the past or of now stands in the journal of the reservation it is about, behind what it tells of, whatever it says."""
    with running_receiver() as receiver, running_emulator(Platform(ManualClock())) as emulator:
        receiver.answers["/assign"] = lambda _: Reply(500, {}, b"")
        emulator.callback_queue.settings = CallbackSettings(
            assignment_url=f"{receiver.url}/assign", event_url=f"{receiver.url}/events"
        )
        worker = emulator.platform.add_worker(WORKSPACE, name=HOSTILE)
        task = emulator.platform.add_task(WORKSPACE, attributes={"said": HOSTILE})
        sid = str(emulator.platform.reserve(task.sid, worker.sid).sid)
        emulator.settle()
        context = browser.new_context()
        visit = Visit(context.new_page(), emulator.url).go(sid)
        visit.page.locator("#entries li").nth(2).wait_for()
        emulator.platform.advance(1)
        emulator.platform.set_status(sid, Status.ACCEPTED)
        visit.page.locator("#entries li").nth(4).wait_for()
        for summary in visit.page.locator("#entries summary").all():
            summary.click()
        journal = visit.journal()
        context.close()
    assert "reservation.accepted → 204" in journal[0]
    assert "pending → accepted" in journal[1]
    assert any("assignment → 500" in entry and "11200" in entry for entry in journal[2:])
    assert any(
        "reservation.created → 204" in entry and "<img src=x" in entry for entry in journal[2:]
    )
    assert visit.complaints == []


# --- as files --------------------------------------------------------------------------------------------------------------------


def test_the_page_may_do_next_to_nothing(emulator: Emulator) -> None:
    """The page's headers let no other origin, no inline script and no frame in; its files hold none of them either."""
    answer = ask(emulator.url, "GET", "/_emulator/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert (
        policy["default-src"]
        == policy["frame-ancestors"]
        == policy["base-uri"]
        == policy["form-action"]
        == "'none'"
    )
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not re.search("unsafe|http", answer.headers["content-security-policy"])
    text = answer.body.decode()
    assert not re.search(
        r"""<script(?![^>]* src="page\.js")|\son\w+=|\sstyle=|(?:src|href)="(?:https?:)?//""", text
    )
    script = ask(emulator.url, "GET", "/_emulator/page.js").body.decode()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script
    )
    for name, kind in (
        ("page.js", "text/javascript"),
        ("page.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ):
        answer = ask(emulator.url, "GET", f"/_emulator/{name}")
        assert (
            answer.status,
            answer.headers["content-type"].split(";")[0],
            answer.headers["x-content-type-options"],
        ) == (200, kind, "nosniff")
    moved = ask(emulator.url, "GET", "/_emulator")
    assert (moved.status, moved.headers["location"]) == (308, "/_emulator/")


def test_the_picture_is_drawn_from_the_machine(emulator: Emulator) -> None:
    """The picture in the page is the one that is drawn from the lifecycle, not a copy."""
    from reservation_core.diagrams.svg import draw_lifecycle

    assert draw_lifecycle() in ask(emulator.url, "GET", "/_emulator/").body.decode()


def test_the_page_is_in_the_wheel(tmp_path: Path) -> None:
    """The wheel holds the page's files."""
    from hatchling.builders.wheel import WheelBuilder

    import reservation_core

    root = Path(reservation_core.__file__).parent.parent
    (wheel,) = WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])
    held = set(zipfile.ZipFile(wheel).namelist())
    files = {path.name for path in (root / "reservation_core/emulator/control/page").iterdir()}
    assert files == {"index.html", "page.css", "page.js", "icon.svg"}
    assert {f"reservation_core/emulator/control/page/{name}" for name in files} <= held
