import { assertEquals } from "@std/assert";
import { HttpDate, httpDate, parseHttpDate } from "../../wire/date.ts";

const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37);

const DATES: Record<string, number> = {
  "Sun, 06 Nov 1994 08:49:37 GMT": EXAMPLE,
  "Sunday, 06-Nov-94 08:49:37 GMT": EXAMPLE,
  "Sun Nov  6 08:49:37 1994": EXAMPLE,
  "Wed Nov 16 08:49:37 1994": Date.UTC(1994, 10, 16, 8, 49, 37),
  "Thu, 01 Jan 1970 00:00:00 GMT": 0,
  "Thursday, 01-Jan-70 00:00:00 GMT": 0,
  "Tuesday, 31-Dec-69 23:59:59 GMT": Date.UTC(2069, 11, 31, 23, 59, 59),
  "Saturday, 01-Jan-00 00:00:00 GMT": Date.UTC(2000, 0, 1),
  "Thu, 29 Feb 2024 23:59:59 GMT": Date.UTC(2024, 1, 29, 23, 59, 59),
  "Tue, 30 Jun 2015 23:59:60 GMT": Date.UTC(2015, 6, 1),
  "Fri, 31 Dec 9999 23:59:59 GMT": Date.UTC(9999, 11, 31, 23, 59, 59),
  "Mon, 06 Nov 1994 08:49:37 GMT": EXAMPLE, // a Sunday; not checked
};

for (const [text, time] of Object.entries(DATES)) {
  Deno.test(`parseHttpDate() reads ${text}`, () => {
    assertEquals(parseHttpDate(text), time);
  });
}

const NO_DATES = [
  "",
  "0",
  "784111777",
  "1994-11-06T08:49:37Z",
  "06 Nov 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 08:49:37",
  "Sun, 06 Nov 1994 08:49:37 UTC",
  "Sun, 06 Nov 1994 08:49:37 EST",
  "Sun, 06 Nov 1994 08:49:37 gmt",
  "Sun, 06 Nov 1994 08:49:37 +0100",
  "Sun, 06 Nov 1994 08:49:37 +0100 GMT",
  "Sun, 06 Nov 1994 08:49:37 PM GMT",
  "Sun, 06 Nov 1994 08:49 GMT",
  "Sun, 06 Nov 94 08:49:37 GMT",
  "Sun, 6 Nov 1994 08:49:37 GMT",
  "Sun,06 Nov 1994 08:49:37 GMT",
  "Sun 06 Nov 1994 08:49:37 GMT",
  "sun, 06 nov 1994 08:49:37 gmt",
  "Sun, 06 NOV 1994 08:49:37 GMT",
  "Sunday, 06 Nov 1994 08:49:37 GMT",
  "Sun, 06-Nov-94 08:49:37 GMT",
  "Sunday, 06-Nov-1994 08:49:37 GMT",
  "Sun Nov 6 08:49:37 1994",
  "Sun Nov  6 08:49:37 1994 GMT",
  "Sun, 00 Nov 1994 08:49:37 GMT",
  "Sun, 31 Nov 1994 08:49:37 GMT",
  "Wed, 29 Feb 2023 00:00:00 GMT",
  "Sun, 06 Nov 1994 24:00:00 GMT",
  "Sun, 06 Nov 1994 08:60:37 GMT",
  "Sun, 06 Nov 1994 08:49:61 GMT",
  "Sun, 06 Nov 0994 08:49:37 GMT",
  " Sun, 06 Nov 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 08:49:37 GMT ",
  "Sun, 06 Nov 1994 08:49:37 GMT\n",
  "Mon, 2020",
];

for (const text of NO_DATES) {
  Deno.test(`parseHttpDate() refuses ${JSON.stringify(text)}`, () => {
    assertEquals(parseHttpDate(text), NaN);
  });
}

Deno.test("httpDate() writes IMF-fixdate, which parseHttpDate() reads", () => {
  assertEquals(httpDate(EXAMPLE), "Sun, 06 Nov 1994 08:49:37 GMT");
  assertEquals(httpDate(new Date(EXAMPLE + 999)), httpDate(EXAMPLE));
  // A prime number of seconds, to meet every month, day and hour.
  for (let time = 0; time < 4e12; time += 8_675_309_000) {
    assertEquals(parseHttpDate(httpDate(time)), time);
  }
});

Deno.test("HttpDate.renew() changes text, bytes and version once a second", () => {
  const date = new HttpDate();
  date.renew(EXAMPLE);
  const { version } = date;
  assertEquals(date.text, "Sun, 06 Nov 1994 08:49:37 GMT");
  assertEquals(new TextDecoder().decode(date.bytes), date.text);
  date.renew(EXAMPLE + 999);
  assertEquals(date.version, version);
  date.renew(EXAMPLE + 1000);
  assertEquals(date.version, version + 1);
  assertEquals(date.text, "Sun, 06 Nov 1994 08:49:38 GMT");
  assertEquals(new TextDecoder().decode(date.bytes), date.text);
  date.renew(EXAMPLE); // a clock may be set back
  assertEquals(date.text, "Sun, 06 Nov 1994 08:49:37 GMT");
});
