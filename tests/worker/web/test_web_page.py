"""The page in a browser: what it shows, and its buttons as they are clicked and pressed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from served_page import ServedPage

from browser import Browser
from dcp_worker.control.methods import Finish, Method, Pause, Report, Resume, SelfTest, Stop
from dcp_worker.control.status import Rule

pytestmark = pytest.mark.any_engine


def orders(page: ServedPage) -> list[Method]:
    return [one for one in page.worker.orders if not isinstance(one, Report)]


def test_it_shows_what_the_worker_does(page: ServedPage, opened: Browser) -> None:
    for shown in (
        "Working", "112 (1 failed)", "35.2", "0.6013 DCC", "14 (1 unsent)", "3 h 12 min", "3 of 8 cores, 64 °C",
        "paused: it has 86 °C, and rests until it has 75 °C", "Protein docking on the GPU", "61%", "3 (GPU)",
        "1 h 39 min", "0.1893 DCC", "the machine runs on mains", "Payment: 0.002 DCC", "https://scheduler.example.com/",
    ):  # fmt: skip
        opened.until_text(shown)
    bars = [one.get_attribute("value") for one in opened.all("progress") if one.is_displayed()]
    assert bars == ["0.61", "0.08", "0.93"]
    assert opened.driver.title == "dcp-worker"


def test_what_changes_is_shown_without_loading_the_page_again(page: ServedPage, opened: Browser) -> None:
    opened.run("window.still = true")
    first, second, *_ = page.worker.status.sandboxes
    page.worker.status = replace(
        page.worker.status, sandboxes=(second, replace(first, progress=0.75)), jobs=(), state="idle", reason="no work"
    )
    opened.until_text("75%")
    opened.until_text("Waiting for work: no work")
    opened.until_text("No job yet.")
    assert "93%" not in opened.text
    assert opened.run("return window.still")


def test_a_rule_is_shown_for_each_that_it_has_rest(page: ServedPage, opened: Browser) -> None:
    hot = [Rule(name="temperature", text=f"the {one} has 90 °C", in_force=True) for one in ("CPU", "GPU")]
    page.worker.status = replace(page.worker.status, rules=tuple(hot))
    opened.until_text("the CPU has 90 °C")
    opened.until_text("the GPU has 90 °C")


def test_a_job_cannot_write_html(page: ServedPage, opened: Browser) -> None:
    opened.until_text("<img src=x onerror=")
    assert opened.driver.title == "dcp-worker"
    assert not opened.all("img")


def test_charts_and_the_same_as_a_table(page: ServedPage, opened: Browser) -> None:
    opened.until(lambda: opened.charts_are_drawn, "charts are drawn")
    labels = opened.run("return [...document.querySelectorAll('.chart')].map(e => e.getAttribute('aria-label'))")
    assert all(labels)
    opened.until(lambda: "Slices by day" in opened.run("return document.querySelector('.charts').innerText"), "titles")
    opened.click("The same as a table", "[role=button]")
    rows = "return document.querySelectorAll('table[aria-label=\"The last days\"] tbody tr').length"
    opened.until(lambda: opened.run(rows) == 14, "each day with work has a row")


def test_pause_and_resume_by_mouse(page: ServedPage, opened: Browser) -> None:
    opened.click("Pause")
    opened.click("Everything, for 1 hour")
    opened.until_text("Paused by its owner")
    assert orders(page) == [Pause(resource="all", seconds=3600)]
    opened.click("Resume")
    opened.until(lambda: orders(page)[1:] == [Resume()], "it is resumed")
    opened.until(lambda: "paused by its owner" not in opened.text, "and that is shown")


def test_one_gpu_is_paused(page: ServedPage, opened: Browser) -> None:
    opened.click("Pause NVIDIA RTX A4000")
    opened.click("NVIDIA RTX A4000, until it is resumed")
    opened.until(lambda: orders(page) == [Pause(resource="0000:01:00.0")], "that GPU alone")


def test_finish_asks_first(page: ServedPage, opened: Browser) -> None:
    opened.click("Finish")
    opened.until_text("takes no new work, and ends")
    opened.click("Go on working")
    opened.until(lambda: "takes no new work, and ends" not in opened.text, "the question has gone")
    assert not orders(page)
    opened.click("Finish")
    opened.click("Finish", ".q-dialog button")
    opened.until_text("Finishing: no new work is taken")
    assert orders(page) == [Finish()]


def test_what_the_worker_refuses_is_said(page: ServedPage, opened: Browser) -> None:
    opened.click("Stop")
    opened.click("Stop", ".q-dialog button")
    opened.until_text("this worker does not stop just now")
    assert orders(page) == [Stop()]


def test_the_keyboard_does_all(page: ServedPage, opened: Browser) -> None:
    def press(*keys: str) -> None:
        opened.driver.switch_to.active_element.send_keys(*keys)

    def focused() -> str:
        return str(opened.run("return document.activeElement.innerText")).split("\n")[-1]

    press(Keys.TAB)
    assert focused() == "Pause"
    assert "0px 0px 0px 3px" in opened.run("return getComputedStyle(document.activeElement).boxShadow")
    press(Keys.ENTER)
    opened.until_text("Everything, until it is resumed")
    inside = "return document.activeElement.closest('.q-menu') !== null"
    opened.until(lambda: opened.run(inside), "the menu has the focus")
    press(Keys.TAB)
    opened.until(lambda: focused() == "Everything, until it is resumed", "the first choice has the focus")
    press(Keys.ENTER)
    opened.until(lambda: orders(page) == [Pause(resource="all")], "it is paused")


def test_the_log_is_filtered(page: ServedPage, opened: Browser) -> None:
    log = "return document.querySelector('[role=log]').innerText"
    opened.find("input[aria-label='Only lines with']").send_keys("slice 88")
    opened.until(lambda: "Payment" not in opened.run(log), "other lines have gone")
    assert "ESLICETOOSLOW" in opened.run(log)
    opened.find("input[aria-label='Only lines with']").send_keys(Keys.CONTROL, "a", Keys.BACKSPACE)
    opened.until(lambda: "Payment" in opened.run(log), "they are there again")
    assert "12 slices were fetched" not in opened.run(log)
    opened.find(".filter .q-select").click()
    opened.click("everything", ".q-item")
    opened.until(lambda: "12 slices were fetched" in opened.run(log), "all levels are shown")


def test_this_machine_is_checked_and_measured(page: ServedPage, opened: Browser) -> None:
    opened.click("Check this machine")
    opened.until_text("Ready: 8 CPUs, 2 GPUs, isolation complete")
    opened.click("Measure it (some minutes)")
    opened.until_text("matrix product on the GPU")
    opened.until_text("4077")
    assert orders(page) == [SelfTest(kind="probe"), SelfTest(kind="benchmark")]


def test_those_who_do_not_see_it_hear_what_it_is(page: ServedPage, opened: Browser) -> None:
    tree = opened.command("Accessibility.getFullAXTree")["nodes"]
    named = {(one["role"]["value"], one.get("name", {}).get("value", "")) for one in tree if not one["ignored"]}
    for wanted in (
        ("heading", "dcp-worker"), ("main", ""), ("region", "Sandboxes"), ("table", "Sandboxes"), ("table", "Jobs"),
        ("columnheader", "progress"), ("progressbar", "progress"), ("log", "The worker's log"),
        ("button", "Pause NVIDIA RTX A4000"), ("textbox", "Only lines with"), ("status", ""),
    ):  # fmt: skip
        assert wanted in named, (wanted, sorted(named))
    nameless = [one for one in tree if not one["ignored"] and one["role"]["value"] == "button"]
    assert all(one["name"]["value"] for one in nameless)
    assert opened.run("return document.documentElement.lang") == "en-US"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1100])
def test_it_fits_and_can_be_read(page: ServedPage, browser: Browser, width: int, dark: bool) -> None:
    browser.open(page.url, width, dark=dark)
    browser.until_text(page.worker.status.worker)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    weak = browser.run(CONTRASTS)
    assert weak == []
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(20, 23, 26)") == dark


CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}
function light([r, g, b]) {
  const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}
function behind(element) {
  for (; element; element = element.parentElement) {
    const colour = rgba(getComputedStyle(element).backgroundColor);
    if (colour[3] === 255) return colour;
  }
  return [255, 255, 255, 255];
}
const weak = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
  if (element.closest("svg, script, style, i")) continue;
  const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) weak.push(`${walker.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
}
return weak;
"""
"""Texts with less contrast than WCAG's level AA asks for."""


def test_nothing_comes_from_elsewhere_and_nothing_goes_wrong(page: ServedPage, opened: Browser) -> None:
    opened.driver.get(page.url)
    opened.until_text("Mandelbrot")
    opened.until(lambda: opened.charts_are_drawn, "charts are drawn")
    names = opened.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert len(names) > 5
    assert [one for one in names if not one.startswith((page.url, "data:"))] == []
    assert opened.complaints() == []


def test_it_says_that_the_worker_has_gone(page: ServedPage, opened: Browser) -> None:
    assert not [one for one in opened.all("[role=alert]") if one.is_displayed() and one.text]
    page.thread.end()
    opened.until_text("waits for its next start")
    page.thread.listen()
    opened.until(lambda: "waits for" not in opened.text, "the page finds the worker again")
    assert opened.driver.find_elements(By.TAG_NAME, "h1")
