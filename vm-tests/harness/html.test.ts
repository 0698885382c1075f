import test from "ava";
import { hostileRun } from "./hostile-run.ts";
import { htmlPage } from "./html.ts";
import { sampleReport } from "./report-sample.ts";

const page = htmlPage(hostileRun, "/labs");

test("the page needs nothing but itself, and runs nothing", (t) => {
  for (const element of ["script", "link", "img", "iframe", "object", "base"])
    t.notRegex(page, new RegExp(`<${element}\\b`, "u"));
  t.notRegex(page, /\s(?:src|on\w+)=/u);
  t.notRegex(page, /@import|url\(/u);
});

test("every tag of the page is closed, whatever names and consoles say", (t) => {
  const open: string[] = [];
  const single = new Set(["meta", "br", "!doctype"]);
  for (const [tag, close, name = "", rest = ""] of page.matchAll(/<(\/?)([!a-z][a-z0-9]*)([^>]*)>/gu)) {
    if (close === "/") t.is(open.pop(), name, tag);
    else if (!single.has(name) && !rest.endsWith("/")) open.push(name);
  }
  t.deepEqual(open, []);
  t.false(page.includes('alert("1")'));
  t.true(page.includes("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"));
});

test("links lead to files beside the page, also from a directory with a hostile name", (t) => {
  const hrefs = [...page.matchAll(/href="([^"]*)"/gu)].map(([, href = ""]) => href);
  t.true(hrefs.includes("./three-nodes/n1.eth0.pcapng"));
  t.true(hrefs.includes("./three-nodes/n1.console.log"));
  t.true(hrefs.includes("./a%20%22b%22%20%3Cc%3E/javascript%3Ad/a%20b%3F.pcapng"));
  for (const href of hrefs) t.regex(href, /^(?:#s\d+|\.\/)/u);
});

test("a scenario shows its outcome, its picture, its steps, its nodes over time and how to run it again", (t) => {
  t.regex(page, /Labs: <span class="failed">1 passed, 2 failed, 1 skipped<\/span>/u);
  t.true(page.includes(`<div class="picture scroll"><svg><g/></svg></div>`));
  t.regex(page, /<td class="good">ok<\/td><td class="n">2\.5<\/td><td>every node has its address/u);
  t.regex(page, /<rect class="starting" [^>]*><title>n1 starting, 0\.0 to 1\.5 s<\/title>/u);
  t.regex(page, /<rect class="running" [^>]*><title>n1 running, 1\.5 to 12\.0 s<\/title>/u);
  t.regex(page, /<path class="mark link" [^>]*><title>2\.0 s: n1\.eth0 link: down<\/title>/u);
  t.true(page.includes(sampleReport.replay));
  t.true(page.includes("prefers-color-scheme:dark"));
});

test("a mark stands where its second is", (t) => {
  const x = (title: string): number =>
    Number(new RegExp(`<rect class="\\w+" x="([\\d.]+)"[^>]*><title>${title}`, "u").exec(page)?.[1]);
  // The lane has 880 units for 12.3 seconds.
  t.true(Math.abs(x("n1 running") - x("n1 starting") - (880 * 1.5) / 12.3) < 0.2);
});
