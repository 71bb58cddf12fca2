"""The Dagster UI in a real browser, as somebody looks at it and clicks in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WAIT_SECONDS = 120

# It is alone with a server on loopback: nothing is looked up, synchronized or updated, and no account is at stake.
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1000",
)


class Page:
    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self._driver = driver
        self._address = address

    def open(self, path: str) -> None:
        self._driver.get(f"{self._address}/{path}")

    @property
    def text(self) -> str:
        return self._driver.find_element(By.TAG_NAME, "body").text

    def shows(self, *texts: str) -> None:
        """Wait until all of them can be read."""
        self._until(lambda: all(text in self.text for text in texts), f"{texts} on the page")

    def shows_no_more(self, text: str) -> None:
        self._until(lambda: text not in self.text, f"page without {text}")

    def button(self, start: str) -> None:
        """Click the button whose text begins so, once it can be."""
        self._until(lambda: self._click("button", start), f"a button {start}")

    def choose(self, text: str) -> None:
        """Click what says exactly this."""

        def click() -> bool:
            found = self._driver.find_elements(By.XPATH, f"//*[text()='{text}']")
            return any(self._clicked(each) for each in found)

        self._until(click, f"{text!r} to click at")

    def write(self, placeholder: str, text: str) -> None:
        """Write into a field and confirm."""
        selector = f"input[placeholder='{placeholder}']"

        def written() -> bool:
            found = self._driver.find_elements(By.CSS_SELECTOR, selector)
            if not (found and self._clicked(found[0])):
                return False
            # To what has the focus: the field is drawn anew while it is written to.
            ActionChains(self._driver).send_keys(text).perform()
            return True

        self._until(written, f"a field {placeholder}")
        self._until(lambda: self._driver.find_elements(By.XPATH, f"//*[text()='{text}']"), f"{text} offered")
        ActionChains(self._driver).send_keys(Keys.ENTER).perform()

    def picture(self, path: Path) -> None:
        self._driver.save_screenshot(str(path))

    def _click(self, tag: str, start: str) -> bool:
        for found in self._driver.find_elements(By.TAG_NAME, tag):
            if _text(found).startswith(start) and self._clicked(found):
                return True
        return False

    def _clicked(self, element: WebElement) -> bool:
        try:
            if not (element.is_displayed() and element.is_enabled()):
                return False
            element.click()
        except WebDriverException:  # drawn anew, or still behind something
            return False
        return True

    def _until(self, true: Any, what: str) -> None:
        waiting = WebDriverWait(self._driver, WAIT_SECONDS, ignored_exceptions=[StaleElementReferenceException])
        try:
            waiting.until(lambda _driver: true())
        except TimeoutException:
            raise AssertionError(
                f"no {what} within {WAIT_SECONDS} s at {self._driver.current_url}; seen:\n{self.text}"
            ) from None


def _text(element: WebElement) -> str:
    try:
        return element.text
    except StaleElementReferenceException:
        return ""


@contextmanager
def browsing(address: str, profile: Path) -> Iterator[Page]:
    """A browser of its own, gone afterwards."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        yield Page(driver, address)
    finally:
        driver.quit()
