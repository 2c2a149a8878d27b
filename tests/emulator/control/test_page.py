"""The page in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

import pytest

from reservation_core import Dequeue, Status
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
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)
WAIT: Final = 5000.0
"""Longest wait in milliseconds."""

HOSTILE: Final = (
    "<img src=x onerror=\"document.title='owned'\"> & "
    "</script><script>document.title='owned'</script>"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        BROWSER is None,
        reason="the page is not tested: no browser found. Install chromium, or put it on the PATH",
    ),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
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
    """Visit to the page, with its requests and console messages."""

    def __init__(self, page: Page, url: str) -> None:
        self.page: Final = page
        self.url: Final = url
        self.requested: Final[list[str]] = []
        self.console_errors: Final[list[str]] = []
        page.set_default_timeout(WAIT)

        def record_request(request: Request) -> None:
            self.requested.append(request.url)

        def record_message(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.console_errors.append(message.text)

        page.on("request", record_request)
        page.on("console", record_message)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    def go(self, sid: str = "") -> Visit:
        """Open the page at a reservation."""
        self.page.goto(f"{self.url}/_emulator/#{sid}")
        self.page.wait_for_selector('#link[data-link="live"]')
        return self

    def row(self, sid: str) -> Locator:
        """Return the row of a reservation."""
        return self.page.locator(f'#rows button[title="{sid}"]')

    def wait_for_row(self, sid: str, text: str) -> None:
        """Wait until the row of a reservation shows a text."""
        self.row(sid).filter(has_text=text).wait_for()

    def button(self, name: str) -> Locator:
        """Return the button of an action."""
        return self.page.locator(f'#actions button[data-name="{name}"]')

    def enabled(self) -> set[str]:
        """Return the names of the enabled actions."""
        return set(
            self.page.eval_on_selector_all(
                "#actions button:enabled", "all => all.map(each => each.dataset.name)"
            )
        )

    def highlighted(self, kind: str) -> set[str]:
        """Return the highlighted parts of the picture, by kind of highlight."""
        return set(
            self.page.eval_on_selector_all(f"svg .{kind}[id]", "all => all.map(each => each.id)")
        )

    def journal(self) -> list[str]:
        """Return the texts of the journal, the newest first."""
        return self.page.locator("#entries li").all_inner_texts()


@pytest.fixture
def visit(browser: Browser, emulator: Emulator) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    visit = Visit(context.new_page(), emulator.url)
    yield visit
    context.close()
    assert visit.console_errors == []
    assert [url for url in visit.requested if not url.startswith(f"{emulator.url}/")] == []


@pytest.fixture
def world(emulator: Emulator) -> World:
    return worlds.people(emulator.platform)


def update(emulator: Emulator, sid: str, form: str, **headers: str) -> int:
    return ask(
        emulator.url,
        "POST",
        worlds.path(sid),
        form,
        {name.replace("_", "-"): value for name, value in headers.items()},
    ).status


CONFERENCE: Final = "Instruction=conference&From=%2B15005550006&To=client:alice"


def test_list_shows_each_reservation(visit: Visit, world: World) -> None:
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    visit.go()
    assert visit.page.eval_on_selector_all(
        "#rows button", "all => all.map(each => each.title)"
    ) == [second, first]
    text = visit.row(first).inner_text()
    assert re.sub(r"\s+", " ", text) == f"pending 2:00 WR…{first[-8:]} Worker 0 version 0"
    assert visit.row(second).get_attribute("aria-pressed") == "true"
    assert visit.page.locator("#sid").inner_text() == second
    assert visit.page.locator("#count").inner_text() == "2"


def test_changes_appear_without_reload(visit: Visit, emulator: Emulator, world: World) -> None:
    first = world.sid()
    visit.go(first)
    second = world.sid(WORKERS[1])
    visit.wait_for_row(second, "pending")
    assert update(emulator, first, "ReservationStatus=accepted") == 200
    visit.wait_for_row(first, "accepted")
    visit.wait_for_row(first, "version 1")
    visit.wait_for_row(second, "rescinded")
    visit.page.locator("#entries .kind", has_text="request").wait_for()
    change, request, reserved = visit.journal()
    assert "pending → accepted" in change
    assert (
        "the worker takes the task at once [documented: https://www.twilio.com/docs/taskrouter/api/reservations]"
        in change
    )
    assert "Accept() → 200" in request
    assert "accepted, version 1" in request
    assert "Reserved" in reserved


def test_refused_request_shows_its_reason(visit: Visit, emulator: Emulator, world: World) -> None:
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


def test_picture_highlights_state_and_path(visit: Visit, emulator: Emulator, world: World) -> None:
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    update(emulator, first, CONFERENCE)
    emulator.platform.answer_call(first)
    visit.go(first)
    assert visit.highlighted("here") == {"state-accepted"}
    assert visit.highlighted("passed") == {"state-pending", "state-onHold"}
    walked = {
        "edge-pending-conference-onHold",
        "edge-onHold-accepted-accepted",
        "line-pending-onHold-command",
        "line-onHold-accepted-fact",
    }
    assert visit.highlighted("walked") == walked
    visit.row(second).click()
    assert visit.highlighted("here") == {"state-rescinded"}
    assert visit.highlighted("walked") == {
        "edge-pending-rescinded-rescinded",
        "line-pending-rescinded-fact",
    }
    assert visit.page.url.endswith(f"#{second}")


def test_available_actions_are_enabled_and_carried_out(
    visit: Visit, emulator: Emulator, world: World
) -> None:
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
        visit.wait_for_row(sid, state)
        assert {name for name in visit.enabled() if not name.startswith("ask_")} == set(
            emulator.platform.available_actions(sid)
        )
    assert emulator.platform.get(sid).status is Status.COMPLETED
    assert visit.enabled() == {"delete_task"}
    visit.button("delete_task").click()
    visit.page.locator("#facts", has_text="its task was deleted").wait_for()
    assert visit.row(sid).count() == 0


def test_timer_follows_the_emulators_clock(visit: Visit, emulator: Emulator, world: World) -> None:
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    visit.go(first)
    visit.page.click('#advance button[data-seconds="60"]')
    visit.wait_for_row(first, "1:00")
    emulator.platform.execute(first, Dequeue(from_="+15005550006"))
    emulator.platform.advance(51)
    visit.wait_for_row(second, "0:09")
    visit.wait_for_row(first, "paused at 1:00")
    assert visit.page.locator("#now").inner_text() == "00:01:51"
    emulator.platform.advance(9)
    visit.wait_for_row(second, "timeout")
    visit.wait_for_row(first, "paused at 1:00")


def test_hostile_text_is_shown_as_text(visit: Visit, emulator: Emulator, world: World) -> None:
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


def test_list_is_filtered_and_walked_by_keys(visit: Visit, world: World) -> None:
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


@pytest.mark.parametrize(
    ("name", "state"), [("dequeue", "on hold"), ("call", "pending"), ("redirect", "pending")]
)
def test_pending_reservation_takes_each_call_command(
    visit: Visit, world: World, name: str, state: str
) -> None:
    sid = world.sid()
    visit.go(sid)
    visit.button(f"ask_{name}").click()
    visit.page.locator("#entries .what", has_text=f"{name.capitalize()}(").wait_for()
    visit.wait_for_row(sid, state)
    assert "→ 200" in "".join(visit.journal())


def test_accepted_reservation_is_supervised(visit: Visit, world: World) -> None:
    sid = world.sid()
    visit.go(sid)
    assert visit.button("ask_supervise").is_disabled()
    visit.button("accepted").click()
    visit.wait_for_row(sid, "accepted")
    visit.button("ask_supervise").click()
    request = visit.page.locator("#entries .what", has_text="Supervise(")
    assert "→ 200" in request.inner_text()


def test_tables_show_tasks_and_workers_as_they_change(visit: Visit, world: World) -> None:
    world.platform.add_worker(WORKSPACE, name=HOSTILE)
    visit.go().page.click("#people summary")
    visit.page.locator("#workers caption", has_text="Workers: 4").wait_for()
    assert visit.page.locator("#workers tbody tr").first.inner_text().startswith(HOSTILE)
    task = visit.page.locator("#tasks tbody tr", has_text="pending")
    assert task.locator("button").count() == 0
    sid = world.sid(WORKERS[1])
    visit.page.locator("#tasks tbody tr", has_text="reserved").locator("button").click()
    assert visit.page.url.endswith(f"#{sid}")
    visit.page.locator("#workers tbody tr", has_text="Worker 1").locator("button").wait_for()


def test_worker_is_reserved_for_the_selected_or_a_new_task(visit: Visit, world: World) -> None:
    first = world.sid()
    visit.go(first)
    visit.page.click("#tools summary")
    visit.page.locator("#reserve:enabled").wait_for()
    visit.page.wait_for_function("() => document.querySelector('#task').options.length == 2")
    visit.page.select_option("#worker", WORKERS[1])
    visit.page.click("#reserve")
    visit.page.locator("#rows button").nth(1).wait_for()
    assert {each.worker_sid for each in world.platform.all(worlds.TASK)} == set(WORKERS[:2])
    visit.page.wait_for_function("() => document.querySelector('#attributes').value.length > 2")
    visit.page.select_option("#task", "")
    visit.page.fill("#attributes", "{")
    visit.page.click("#reserve")
    visit.page.locator("#alert-text", has_text="The attributes are not JSON").wait_for()
    visit.page.fill("#attributes", '{"language": "en"}')
    with visit.page.expect_response("**/openapi.json"):
        visit.row(first).click()
    assert visit.page.input_value("#attributes") == '{"language": "en"}'
    visit.page.click("#reserve")
    visit.page.locator("#rows button").nth(2).wait_for()
    assert world.platform.tasks()[-1].attributes == {"language": "en"}


def test_task_attributes_are_saved(visit: Visit, world: World) -> None:
    visit.go(world.sid())
    visit.page.click("#tools summary")
    visit.page.wait_for_function("() => document.querySelector('#attributes').value.length > 2")
    visit.page.fill("#attributes", '{  "language": "en"}')
    visit.page.click("#save")
    visit.page.wait_for_function("() => !document.querySelector('#attributes').value.includes(' ')")
    assert world.platform.task(worlds.TASK).attributes == {"language": "en"}
    visit.page.select_option("#task", "")
    assert visit.page.locator("#save").is_disabled()


def test_fault_is_injected_and_removed(visit: Visit, emulator: Emulator, world: World) -> None:
    sid = world.sid()
    visit.go(sid)
    visit.page.click("#tools summary")
    visit.page.locator("#faults", has_text="none").wait_for()
    visit.page.select_option("#fault-kind", "429")
    visit.page.fill("#fault-times", "2")
    visit.page.click("#fault-add")
    visit.page.locator("#faults", has_text="429 (2)").wait_for()
    assert update(emulator, sid, "ReservationStatus=accepted") == 429
    visit.page.click("#fault-clear")
    visit.page.locator("#faults", has_text="none").wait_for()
    assert update(emulator, sid, "ReservationStatus=accepted") == 200


def test_journal_names_reservation_worker_and_duration(
    visit: Visit, emulator: Emulator, world: World
) -> None:
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    visit.go(second)
    update(emulator, first, "ReservationStatus=accepted")
    visit.page.check("#every")
    request = visit.page.locator(f'#entries li:has(.subject[title="{first}"])', has_text="Accept()")
    assert f"WR…{first[-8:]} Worker 0" in request.inner_text()
    assert re.search(r"· (\d\.\d|\d\d+|0\.\d+)\sm?s\b", request.inner_text())
    request.locator(".subject").click()
    assert visit.row(first).get_attribute("aria-pressed") == "true"


def test_empty_emulator_offers_an_example(visit: Visit, emulator: Emulator) -> None:
    visit.go()
    assert (
        f'client.taskrouter.base_url = "{emulator.url}"'
        in visit.page.locator("#empty").inner_text()
    )
    visit.page.click("#example")
    visit.page.locator("#rows button").nth(1).wait_for()
    assert visit.page.locator("#empty").is_hidden()
    visit.page.locator("#detail").wait_for()
    assert [reservation.status for reservation in emulator.platform.all()] == [Status.PENDING] * 2
    assert {"ask_accept", "ask_conference", "hang_up"} <= visit.enabled()
    visit.page.click("#settings summary")
    visit.page.locator("#set dt", has_text="reservation_timeout").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_page_fits_the_window_and_colour_scheme(
    browser: Browser, emulator: Emulator, world: World, width: int, scheme: str
) -> None:
    update(emulator, world.sid(), CONFERENCE)
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    visit = Visit(context.new_page(), emulator.url).go()
    assert visit.page.evaluate("document.documentElement.scrollWidth") == width
    background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", background)[0]) < 60) is (scheme == "dark")
    box, view = (
        visit.page.locator("#state-onHold").bounding_box(),
        visit.page.locator("#scroll").bounding_box(),
    )
    assert box is not None
    assert view is not None
    assert view["x"] <= box["x"]
    assert box["x"] + box["width"] <= view["x"] + view["width"]
    context.close()
    assert visit.console_errors == []


def test_page_resumes_when_the_emulator_is_back(browser: Browser) -> None:
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
        visit.wait_for_row(sid, "wrapping")
        visit.page.wait_for_selector('#link[data-link="live"]')
        visit.page.locator("#entries li").nth(2).wait_for()
        assert visit.page.locator("#alert").is_hidden()
        assert visit.highlighted("here") == {"state-wrapping"}
        assert len(visit.journal()) == 3
        context.close()


def test_timer_runs_at_the_pace_of_the_clock(browser: Browser) -> None:
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


def test_callbacks_are_shown_in_order(browser: Browser) -> None:
    with running_receiver() as receiver, running_emulator(Platform(ManualClock())) as emulator:
        receiver.answers["/assign"] = lambda _: Reply(500, {}, b"")
        emulator.callback_queue.settings = CallbackSettings(
            assignment_url=f"{receiver.url}/assign", event_url=f"{receiver.url}/events"
        )
        worker = emulator.platform.add_worker(WORKSPACE, name=HOSTILE)
        task = emulator.platform.add_task(WORKSPACE, attributes={"note": HOSTILE})
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
    assert visit.console_errors == []


# A page of another site. It tries everything that needs no permission, and keeps what it reads.
HOSTILE_PAGE: Final = """<!doctype html><title>waiting</title><iframe name="frame"></iframe><script>
const [root, path] = [%s, %s], read = [];
const form = { "Content-Type": "application/x-www-form-urlencoded" };
const silent = { method: "POST", mode: "no-cors" }, body = "ReservationStatus=accepted";
const attempts = [
  ["/_emulator/reset", { method: "POST" }], ["/_emulator/reset", silent],
  ["/_emulator/faults", { ...silent, body: '{"kind": "429"}' }],
  ["/_emulator/callbacks", { ...silent, body: '{"event_url": "http://evil.example/"}' }],
  ["/_emulator/state", {}], ["/_emulator/journal", {}], ["/_emulator/state", { mode: "no-cors" }],
  [path, { ...silent, headers: form, body }],
  [path, { method: "POST", headers: { ...form, "If-Match": "0" }, body }],
];
(async () => {
  for (const [target, options] of attempts)
    try {
      const reply = await fetch(root + target, options);
      read.push([target, await reply.text()]);
    } catch { read.push([target, ""]); }
  const feed = new EventSource(root + "/_emulator/events");
  await new Promise((done) => { feed.onerror = feed.onopen = done; });
  read.push(["events", feed.readyState === 1 ? "open" : ""]);
  const post = document.createElement("form");
  Object.assign(post, { method: "post", target: "frame", action: root + "/_emulator/reset" });
  document.body.append(post);
  document.querySelector("iframe").onload = () => { window.read = read; document.title = "done"; };
  post.submit();
})();
</script>"""


def test_page_of_another_site_reads_and_changes_nothing(
    browser: Browser, emulator: Emulator, world: World
) -> None:
    sid = world.sid()
    path = worlds.path(sid)
    port = emulator.url.rpartition(":")[2]
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(WAIT)
    html = HOSTILE_PAGE % (json.dumps(emulator.url), json.dumps(path))
    kind = "text/html"
    page.route("http://evil.example/", lambda route: route.fulfill(body=html, content_type=kind))
    page.goto("http://evil.example/")
    page.wait_for_function("document.title === 'done'")
    read = page.evaluate("read")
    assert len(read) == 10
    assert [target for target, text in read if text != ""] == []
    rebound = page.goto(f"http://emulator.example:{port}/_emulator/state")
    assert rebound is not None
    assert (rebound.status, "--allow-host emulator.example" in rebound.text()) == (421, True)
    context.close()
    assert (emulator.platform.get(sid).etag, len(emulator.platform.workers())) == ("0", 3)
    assert not emulator.faults
    assert emulator.callback_queue.settings.urls == ()


def test_page_says_that_it_shows_what_services_sent(visit: Visit, world: World) -> None:
    task = world.platform.set_task_attributes(worlds.TASK, {"url": "https://u:word@a.example/?t=1"})
    visit.go(world.sid())
    assert "shows what services and tests sent" in visit.page.locator("footer").inner_text()
    visit.page.click("#tools summary")
    visit.page.locator("#task option", has_text="selected").wait_for(state="attached")
    assert json.loads(visit.page.input_value("#attributes")) == task.attributes
