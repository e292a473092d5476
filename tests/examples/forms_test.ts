import { assert, assertEquals, assertMatch } from "@std/assert";
import { Example } from "./example.ts";

/** A browser in as much as it keeps a cookie, and sends forms. */
class Browser {
  readonly #base: URL;
  cookie = "";

  constructor(base: URL) {
    this.#base = base;
  }

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookie !== "") headers.set("cookie", this.cookie);
    const response = await fetch(new URL(path, this.#base), {
      ...init,
      headers,
      redirect: "manual",
    });
    const cookie = response.headers.get("set-cookie");
    if (cookie !== null) {
      this.cookie = /Max-Age=0/.test(cookie) ? "" : cookie.split(";")[0];
    }
    return response;
  }

  async page(): Promise<string> {
    return await (await this.request("/")).text();
  }

  /** Sends a form; returns the status, and the page that comes of it. */
  async post(
    path: string,
    fields: Record<string, string>,
  ): Promise<[number, string, Headers]> {
    const body = new URLSearchParams(fields);
    const response = await this.request(path, { method: "POST", body });
    const { status, headers } = response;
    const text = await response.text();
    const location = headers.get("location");
    if (location === null) return [status, text, headers];
    return [status, await (await this.request(location)).text(), headers];
  }
}

function postJson(value: string): RequestInit {
  const headers = { "content-type": "application/json" };
  return { method: "POST", headers, body: value };
}

Deno.test("forms.ts", async (t) => {
  const args = ["0", "p&=ä "];
  await using example = await Example.start("forms.ts", { args });
  const browser = new Browser(example.url);
  const stranger = new Browser(example.url);

  await t.step(
    "refuses a wrong password, and who has not logged in",
    async () => {
      for (const password of ["", "p", "p&=a "]) {
        const [status, page, headers] = await browser.post("/login", {
          name: "me",
          password,
        });
        assertEquals(status, 403);
        assertMatch(page, /That was not right/);
        assertEquals(headers.get("set-cookie"), null);
      }
      const [status, page] = await browser.post("/messages", { text: "hi" });
      assertEquals(status, 403);
      assertMatch(page, /Log in first/);
    },
  );

  await t.step("logs in with a cookie", async () => {
    const [status, page, headers] = await browser.post("/login", {
      name: '<b>"me"',
      password: "p&=ä ",
    });
    assertEquals(status, 303);
    assertMatch(
      headers.get("set-cookie")!,
      /^session=[-\w]{36}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/,
    );
    assertMatch(page, /You are <b>&#60;b&#62;&#34;me&#34;<\/b>/);
    assertMatch(await stranger.page(), /action="\/login"/);
  });

  await t.step("takes a form", async () => {
    const text = "ä <script>alert(1)</script> & 'more'";
    const [status, page] = await browser.post("/messages", { text });
    assertEquals(status, 303);
    assert(page.includes(
      "ä &#60;script&#62;alert(1)&#60;/script&#62; &#38; &#39;more&#39;",
    ));
    assert(!page.includes("<script"));
    assertEquals((await browser.post("/messages", { text: " " }))[0], 400);
  });

  await t.step("takes JSON", async () => {
    const init = postJson('{"text":"by JSON"}');
    const response = await browser.request("/messages", init);
    assertEquals(response.status, 201);
    const message = { name: '<b>"me"', text: "by JSON" };
    assertEquals(await response.json(), message);

    const refused = await stranger.request("/messages", init);
    assertEquals(refused.status, 403);
    assertEquals(await refused.json(), { problem: "Log in first." });

    const list = await (await stranger.request("/messages")).json();
    assertEquals(list.length, 2);
    assertEquals(list[0], message);
  });

  await t.step("survives what makes no sense", async () => {
    for (const body of ["null", "7", '"text"', "[]", '{"text":{}}', "{", ""]) {
      const response = await browser.request("/messages", postJson(body));
      assertEquals(response.status, 400, body);
      await response.body?.cancel();
    }
    const body = new Uint8Array([0xff]);
    const bytes = await browser.request("/messages", { method: "POST", body });
    assertEquals(bytes.status, 400);
    await bytes.body?.cancel();
    const [status] = await browser.post("/messages", {
      text: "x".repeat(20_000),
    });
    assertEquals(status, 413);
  });

  await t.step("logs out", async () => {
    const { cookie } = browser;
    const [status, page] = await browser.post("/logout", {});
    assertEquals(status, 303);
    assertEquals(browser.cookie, "");
    assertMatch(page, /action="\/login"/);
    browser.cookie = cookie; // it is worth nothing any more
    assertMatch(await browser.page(), /action="\/login"/);
  });
});
