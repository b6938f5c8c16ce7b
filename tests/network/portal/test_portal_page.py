"""The portal in a browser, on a scheduler as it is: sign in, jobs, money and groups."""

from __future__ import annotations

import json
from pathlib import Path

import portal_pictures
import pytest
from PIL import Image
from portal_page import PASSPHRASE, PortalPage, fill
from selenium.webdriver.common.keys import Keys

import dcp_evaluator as dcp
from browser import Browser
from dcp_protocol.keys.hashes import eh1
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet.files import keystore_path, save
from dcp_protocol.wallet.keystore import Keystore
from dcp_scheduler.groups import groups
from dcp_scheduler.jobs import deployment
from dcp_scheduler.jobs.endings import cancel
from dcp_scheduler.jobs.records import find
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.store.amount import ATTO
from zygote_control import wait_until

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

DOCS = Path(__file__).parents[3] / "docs"
TARGET = "0x" + "2" * 40
RECORD = "window.sent = []; const own = fetch; window.fetch = (...all) => { sent.push(all); return own(...all); }"
"""The page's requests are kept for the test."""
HOSTILE = "<img src=x onerror=\"document.title='mine'\"><script>document.title='mine'</script>"


def submitted(portal: PortalPage, key: PrivateKey, name: str) -> str:
    """The address of a job that nobody does."""
    submission = Submission(
        id=PrivateKey.generate().address[2:24], dialect=5, owner=str(key.address), payer=str(key.address),
        code="data:,x", arguments=[], worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(), slices=3,
        inputs={"start": 1, "end": 3, "step": 1}, name=name,
    )  # fmt: skip
    return str(portal.write(lambda transaction: deployment.submit(transaction, submission)).address)


def test_a_keystore_is_made_here_and_its_key_stays_here(portal: PortalPage, browser: Browser, tmp_path: Path) -> None:
    script = browser.command("Page.addScriptToEvaluateOnNewDocument", source=RECORD)
    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.open(f"{portal.url}?new#/account")
    fill(browser, label="mine", first=PASSPHRASE, second=f"{PASSPHRASE}!")
    browser.click("Make a keystore")
    browser.until_text("The passphrases differ")
    fill(browser, second=PASSPHRASE)
    browser.click("Make a keystore")
    browser.click("Save the keystore")
    wait_until(lambda: list(tmp_path.glob("*.keystore")), "the file is saved", seconds=60)
    (path,) = tmp_path.glob("*.keystore")
    keystore = Keystore.parse(path.read_bytes())
    key = keystore.open(PASSPHRASE)
    assert key and keystore.label == "mine" and path.stem == str(key.address)
    browser.click("I have saved it: sign in")
    browser.until_text("0 DCC for 0 jobs")
    assert str(key.address) in browser.text
    sent = json.dumps(browser.run("return sent"))
    assert str(key.address) in sent and PASSPHRASE not in sent
    assert key.secret().hex() not in sent and "ciphertext" not in sent
    assert browser.run("return [document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    browser.click("Sign out")
    browser.until_text("You are signed out")
    browser.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    assert not browser.complaints()


def test_a_wrong_passphrase_and_what_is_no_keystore(portal: PortalPage, browser: Browser, key: PrivateKey) -> None:
    browser.open(f"{portal.url}?wrong")
    file = browser.find("input[name=file]")
    file.send_keys(str(portal.keystore(key)))
    fill(browser, passphrase="wrong")
    browser.click("Sign in", "form button")
    browser.until_text("This is not the keystore's passphrase")
    other = portal.folder / "other.json"
    other.write_text('{"version": 3, "crypto": {"kdf": "none", "kdfparams": {}}}')
    file.send_keys(str(other))
    browser.click("Sign in", "form button")
    browser.until_text("The keystore is damaged")
    assert "Sign out" not in browser.text


def test_a_job_from_python_is_seen_until_its_results_are_a_file(
    portal: PortalPage, browser: Browser, key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCP_RESOURCE_DIR", str(tmp_path / "wallet"))
    for name in ("id", "default"):
        save(Keystore.create(key, ""), keystore_path(name))
    results = dcp.compute_for(range(1, 6), "(x) => ({ square: x * x, big: 2n ** 70n })").exec(
        portal.server.location, public={"name": "squares"}
    )
    portal.sign_in(browser, key)
    browser.until_text("squares")
    browser.until_text("0 of 5")
    browser.click("squares", "a")
    browser.until_text("Cancel the job")
    with portal.worker(tmp_path):
        browser.until_text("5 of 5")
        browser.until_text("finished")
    assert [each["square"] for each in results] == [1, 4, 9, 16, 25]
    assert "Cancel the job" not in browser.text
    browser.click("Show results")
    browser.until_text('{"square":25,"big":"1180591620717411303424"}')
    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.click("Download all results")
    wait_until(lambda: list(tmp_path.glob("0x*.json")), "the file is saved", seconds=60)
    (path,) = tmp_path.glob("0x*.json")
    assert [(each["slice"], each["value"]["square"]) for each in json.loads(path.read_text())] == [
        (x, x * x) for x in range(1, 6)
    ]
    assert not browser.complaints()


def test_a_job_is_cancelled_after_a_question(portal: PortalPage, browser: Browser, key: PrivateKey) -> None:
    address = submitted(portal, key, "long")
    portal.sign_in(browser, key, f"jobs/{address}")
    browser.click("Cancel the job")
    browser.click("Go on with it", "dialog button")
    browser.until(lambda: not browser.all("dialog"), "the question has gone")
    assert portal.write(lambda each: find(each.connection, address)).status == "estimation"
    browser.click("Cancel the job")
    browser.click("Cancel the job", "dialog button")
    browser.until_text("cancelled at the portal")
    assert portal.write(lambda each: find(each.connection, address)).status == "cancelled"


def test_texts_of_strangers_are_texts(portal: PortalPage, browser: Browser, key: PrivateKey) -> None:
    address = submitted(portal, key, HOSTILE)
    portal.write(lambda each: cancel(each, find(each.connection, address), "EUNCAUGHT", HOSTILE, HOSTILE))
    portal.write(lambda each: groups.create(each, str(key.address), {"joinKey": HOSTILE, "joinHash": "eh1-x"}, {}))
    portal.sign_in(browser, key)
    browser.until_text("<img src=x onerror=")
    browser.click(HOSTILE[:59] + "…", "a")
    browser.until_text(f"Cancelled: EUNCAUGHT {HOSTILE}")
    browser.run("location.hash = '#/groups'")
    browser.until_text("<script>document.title=")
    assert not browser.all("main img, main script")
    assert browser.driver.title == "DCP network: Groups"
    assert not browser.complaints()


def test_another_account_sees_nothing(portal: PortalPage, browser: Browser, key: PrivateKey) -> None:
    address = submitted(portal, key, "not for others")
    portal.sign_in(browser, PrivateKey.generate())
    browser.until_text("No jobs yet")
    browser.run("location.hash = arguments[0]", f"#/jobs/{address}")
    browser.until_text("there is no such job of yours")
    assert "not for others" not in browser.text


def test_money_is_transferred_by_the_keyboard_alone(portal: PortalPage, browser: Browser, key: PrivateKey) -> None:
    portal.write(lambda each: ledger.deposit(each, str(key.address), 5 * ATTO))
    portal.sign_in(browser, key, "account")
    browser.until_text("5 DCC")
    browser.find("input[name=to]").send_keys(TARGET, Keys.TAB, "2.5", Keys.TAB, Keys.ENTER)
    browser.until_text(f"Transfer 2.5 DCC to {TARGET}?")
    browser.driver.switch_to.active_element.send_keys(Keys.TAB, Keys.ENTER)
    browser.until_text("2.5 DCC are transferred.")
    browser.until(lambda: "-2.5" in browser.find("table[aria-label=Statement]").text, "the statement has it")
    fill(browser, to=TARGET, amount="100")
    browser.click("Transfer")
    browser.click("Transfer it", "dialog button")
    browser.until(lambda: [one for one in browser.all("form .problem") if one.is_displayed()], "it is refused")
    assert portal.write(lambda each: ledger.balance(each.connection, str(key.address))) == 25 * ATTO // 10


def test_a_group_is_made_and_changed_and_deleted(portal: PortalPage, browser: Browser, key: PrivateKey) -> None:
    name = f"lab-{key.address}"

    def joined() -> str | None:
        group = portal.write(lambda each: groups.find(each.connection, {"joinKey": name}))
        return str(group.join_hash) if group else None

    portal.sign_in(browser, key, "groups")
    browser.until_text("No groups yet")
    fill(browser, key=name, secret="se cret ü", name_="The lab")
    browser.click("Create a group")
    browser.until_text("The lab")
    assert joined() == eh1(f"{name} se cret ü")
    browser.click("Change The lab")
    fill(browser, secret="another")
    browser.click("Change it")
    browser.until(lambda: joined() == eh1(f"{name} another"), "the secret is another one")
    browser.click("Delete The lab")
    browser.click("Delete the group", "dialog button")
    browser.until_text("No groups yet")
    assert joined() is None


def test_the_picture_of_the_document_can_be_made_anew(portal: PortalPage, browser: Browser, tmp_path: Path) -> None:
    portal_pictures.draw(browser, portal, tmp_path)
    (name,) = portal_pictures.NAMES
    with Image.open(tmp_path / name) as made, Image.open(DOCS / "images" / name) as kept:
        assert made.size == kept.size
    assert f"](images/{name})" in (DOCS / "network.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    portal: PortalPage, browser: Browser, key: PrivateKey, dark: bool
) -> None:
    submitted(portal, key, "w" * 255)
    portal.sign_in(browser, key)
    browser.open(f"{portal.url}?phone#/connect", 360, 740, dark=dark)
    browser.until_text(f"dcp-worker --dcp-scheduler {portal.server.location}")
    assert browser.run("return document.documentElement.scrollWidth") <= 360
    light = browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
    assert light is not dark
