# Keeps each cookie by http.cookiejar: lines come in, what is sent back goes out.
import email
import http.cookiejar
import json
import sys
import urllib.request


class Response:
    def __init__(self, line):
        self.message = email.message.Message()
        self.message["Set-Cookie"] = line

    def info(self):
        return self.message


def kept(line):
    policy = http.cookiejar.DefaultCookiePolicy(rfc2965=False)
    jar = http.cookiejar.CookieJar(policy)
    asked = urllib.request.Request("http://host.test/dir/set")
    try:
        jar.extract_cookies(Response(line), asked)
        again = urllib.request.Request("http://host.test/dir/back")
        jar.add_cookie_header(again)
    except Exception:
        return ""
    return again.get_header("Cookie") or ""


print(json.dumps([kept(line) for line in json.load(sys.stdin)]))
