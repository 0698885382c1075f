import { join, relative } from "node:path";
import { topologyStyle } from "../../src/ui/topology-svg.ts";
import { describeAccelerator, describeSpeed } from "./accel.ts";
import { lanes } from "./html-lanes.ts";
import { pageStyle } from "./html-style.ts";
import type { ReportStep } from "./report.ts";
import { type RanScenario, type RunReport, escapeMarkup as e, tally } from "./run-report.ts";

/**
 * A whole run as one page that needs no other file, no script and no network: a table of scenarios, and for each its topology,
 * what happened when, its steps and links to its files, relative to the directory that the page is to lie in.
 */
export function htmlPage(run: RunReport, directory: string): string {
  const { passed, failed, skipped } = tally(run);
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  return [
    `<!doctype html>`,
    `<html lang="en">`,
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${e(`Labs: ${counts}`)}</title>`,
    `<style>${pageStyle}.picture{${topologyStyle}}</style></head>`,
    `<body>`,
    `<h1>Labs: <span class="${failed > 0 ? "failed" : "good"}">${e(counts)}</span></h1>`,
    `<p class="dim">${e(run.command)}, ${e(run.started)}, ${Math.round(run.seconds)} s</p>`,
    ...run.problems.map((problem) => `<pre class="failed">${e(problem)}</pre>`),
    `<table><thead><tr><th>outcome</th><th>scenario</th><th>group</th><th class="n">seconds</th><th class="n">seed</th><th class="n">load</th></tr></thead>`,
    `<tbody>`,
    ...run.scenarios.map(({ report }, index) => summaryRow(report, index)),
    `</tbody></table>`,
    ...run.scenarios.map((ran, index) => section(ran, index, directory)),
    `</body></html>`,
    "",
  ].join("\n");
}

function summaryRow({ outcome, title, group, seconds, seed, host }: RanScenario["report"], index: number): string {
  const cells = [
    `<td class="${outcome}">${outcome}</td>`,
    `<td><a href="#s${index}">${e(title)}</a></td>`,
    `<td>${group}</td>`,
    `<td class="n">${seconds.toFixed(1)}</td>`,
    `<td class="n">${seed}</td>`,
    `<td class="n">${host.loadBefore[0] ?? ""}</td>`,
  ];
  return `<tr>${cells.join("")}</tr>`;
}

function section({ report, directory: from, picture }: RanScenario, index: number, directory: string): string {
  const { title, outcome, file, accelerator, host, seed, replay, reason, failure } = report;
  const machine = accelerator === undefined ? [] : [describeAccelerator(accelerator), describeSpeed(accelerator)];
  const load = `load ${host.loadBefore.join(" ")} before and ${host.loadAfter.join(" ")} after on ${host.cpus} processors`;
  const about = [file, `seed ${seed}`, ...machine, load, `timeouts x ${host.patience}`].filter((part) => part !== "");
  const link = (name: string): string => `<a href="${e(hrefOf(relative(directory, join(from, name))))}">${e(name)}</a>`;
  const files = [
    "report.json",
    ...report.files,
    ...report.nodes.flatMap(({ console }) => console ?? []),
    ...report.links.flatMap(({ capture }) => capture ?? []),
  ];
  return [
    `<section id="s${index}">`,
    `<h2>${e(title)}: <span class="${outcome}">${outcome}</span></h2>`,
    `<p class="dim">${e(about.join("; "))}<br>run it again: <code>${e(replay)}</code></p>`,
    ...(reason === undefined ? [] : [`<p class="skipped">${e(reason)}</p>`]),
    ...(failure === undefined ? [] : [`<pre>${e(failure.text)}</pre>`]),
    ...(picture === undefined ? [] : [`<div class="picture scroll">${bare(picture)}</div>`]),
    `<div class="scroll">${lanes(report)}</div>`,
    `<table><thead><tr><th></th><th class="n">seconds</th><th>step</th></tr></thead><tbody>`,
    ...report.steps.map(stepRow),
    `</tbody></table>`,
    `<p>${files.map(link).join(" · ")}</p>`,
    `</section>`,
  ].join("\n");
}

function stepRow({ name, ok, start, end, detail }: ReportStep): string {
  const seen = detail === "" ? "" : `<br><span class="dim">${e(detail)}</span>`;
  const outcome = ok ? `<td class="good">ok</td>` : `<td class="failed">FAILED</td>`;
  return `<tr>${outcome}<td class="n">${(end - start).toFixed(1)}</td><td>${e(name)}${seen}</td></tr>`;
}

/** A path as a relative reference: each part encoded, and none that could be taken for a scheme. */
function hrefOf(path: string): string {
  return `./${path.toWellFormed().split("/").map(encodeURIComponent).join("/")}`;
}

/** A picture without its own style, which the page has once for all. */
function bare(picture: string): string {
  return picture.replace(/<style>[\s\S]*?<\/style>/u, "");
}
