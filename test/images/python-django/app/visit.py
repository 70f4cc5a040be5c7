"""Logs in and walks through the pages behind the log-in: run in the container while it is observed."""

import http.cookiejar
import re
import urllib.parse
import urllib.request

origin = "http://127.0.0.1:8000"
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def get(path):
    return browser.open(origin + path).read().decode()


def post(path, **fields):
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', get(path)).group(1)
    data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
    return browser.open(origin + path, data).read().decode()


assert "correct username" in post("/accounts/login/?next=/crops/new", username="ada", password="hay")
assert "Sow" in post("/accounts/login/?next=/crops/new", username="ada", password="straw")
assert "whole number" in post("/crops/new", name="Visit", yield_kg="none", sown="yesterday")
post("/crops/new", name="Visit", yield_kg="7", sown="2024-05-05 10:00")
try:
    browser.open(origin + "/crops/new", b"csrfmiddlewaretoken=wrong")
except urllib.error.HTTPError as error:
    assert error.code == 403
assert "Site administration" in get("/admin/")
for page in ["?q=lup", "1/change/", "1/delete/", "1/history/"]:
    get(f"/admin/crops/crop/{page}")
get("/admin/jsi18n/")
get("/admin/auth/user/1/password/")
get("/admin/logout/")
for language in ["fr", "de"]:
    browser.open(urllib.request.Request(f"{origin}/crops/2/", headers={"accept-language": language})).read()
