"""A page in a real browser: the distribution's Chromium, driven by Selenium with its path given."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
PHONE, DESK, SCROLLBAR = 360, 1200, 20

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium with its driver here: apt-get install chromium chromium-driver"
)

WIDER_THAN_THE_PAGE = """
const width = document.documentElement.clientWidth;
const inside = (e) => e.closest(".table, pre") && !e.matches(".table, pre");
return [...document.querySelectorAll("body *")]
  .filter((e) => !inside(e) && e.getBoundingClientRect().right > width + 0.5)
  .map((e) => e.outerHTML.slice(0, 80));
"""


@contextmanager
def browser() -> Iterator[Any]:
    """Start Chromium, without a window."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def show(driver: Any, page: Path, width: int) -> None:
    """Open a file on a screen of this width."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get_log("performance")
    driver.get_log("browser")
    driver.get(page.as_uri())


def assert_stands_alone_and_fits(driver: Any, page: Path, width: int) -> None:
    """Nothing overflows, all pictures are there and have words, nothing is asked of the network, no link is dead."""
    show(driver, page, width)
    inner, whole = driver.execute_script("const d = document.documentElement; return [d.clientWidth, d.scrollWidth]")
    assert width - SCROLLBAR <= inner <= width
    assert whole == inner
    assert driver.execute_script(WIDER_THAN_THE_PAGE) == []
    about = "[i.complete && i.naturalWidth > 0, i.alt.trim(), i.currentSrc.slice(0, 5)]"
    pictures = driver.execute_script(f"return [...document.images].map((i) => {about})")
    assert [p for p in pictures if not (p[0] and p[1] and p[2] == "data:")] == []
    assert asked(driver) <= {page.as_uri()}
    assert driver.get_log("browser") == []
    links = driver.execute_script("return [...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
    dead = "return arguments[0].filter((h) => h[0] !== '#' || !document.getElementById(h.slice(1)))"
    assert driver.execute_script(dead, links) == []


def asked(driver: Any) -> set[str]:
    """Addresses that the page asked for, but for those that hold their content."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return {address for address in sent if not address.startswith("data:")}
