import { sampleReport } from "./report-sample.ts";
import type { RunReport } from "./run-report.ts";

/** What a name or a console line may hold that means something to XML, HTML, TAP or a browser. */
export const hostile = `</title><script>alert("1")</script>'&amp;]]> # SKIP \\ \u001B[31m\u0000\uD800 ünïcode 🦊\nnot ok 9 - forged`;

/** A run with one scenario of each outcome, and hostile text wherever text can be; for tests of what is made of runs. */
export const hostileRun: RunReport = {
  command: `npm run lab -- test ${hostile}`,
  started: "2026-11-21T05:00:00.000Z",
  seconds: 40,
  problems: [`a file could not be loaded: ${hostile}`],
  scenarios: [
    { report: sampleReport, directory: "/labs/three-nodes", picture: "<svg><style>.a{}</style><g/></svg>" },
    {
      directory: `/labs/a "b" <c>/javascript:d`,
      report: {
        ...sampleReport,
        title: hostile,
        outcome: "failed",
        failure: { summary: hostile, text: `${hostile}\nsecond line` },
        steps: [{ name: hostile, start: 0, end: 1, ok: false, detail: hostile }],
        events: [{ at: 1, of: hostile, what: "off", detail: hostile }],
        nodes: [{ name: hostile, console: hostile }],
        links: [{ name: hostile, network: hostile, capture: "a b?.pcapng" }],
      },
    },
    { directory: "/labs/x", report: { ...sampleReport, outcome: "skipped", reason: hostile } },
  ],
};
