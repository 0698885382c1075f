/** A line that means that something is broken, even in a test that passed. */
export type ConsoleRule = { readonly name: string; readonly pattern: RegExp };

/** A line that broke a rule. */
export type ConsoleFinding = { readonly rule: string; readonly line: string };

/** A kernel gives up, and why. Where it does not restart it says so again behind its registers and stacks. */
export const kernelPanic: RegExp = /Kernel panic - not syncing/;

/** What must never stand on the console of a healthy guest. The kernel's words are from its lib/ and mm/ sources. */
export const consoleRules: readonly ConsoleRule[] = [
  { name: "kernel panic", pattern: kernelPanic },
  {
    name: "kernel oops",
    pattern: /(?:Oops: |general protection fault|Unable to handle kernel|kernel NULL pointer dereference)/,
  },
  { name: "kernel bug", pattern: /(?:kernel BUG at |BUG: )/ },
  { name: "kernel warning", pattern: /WARNING: CPU: \d+ PID: \d+ at / },
  {
    name: "out of memory",
    pattern: /(?:Out of memory: Killed process|invoked oom-killer|Memory cgroup out of memory)/,
  },
  { name: "segmentation fault", pattern: /(?:segfault at [0-9a-f]+ ip|traps: .* trap |Segmentation fault)/ },
  {
    name: "lockup",
    pattern:
      /(?:soft lockup - CPU|hard LOCKUP|rcu_\w+ (?:self-)?detected stalls?|task .* blocked for more than \d+ seconds)/,
  },
  { name: "file system error", pattern: /(?:EXT4-fs error|I\/O error, dev |erofs: .*(?:corrupt|failed))/ },
  { name: "no init", pattern: /(?:No working init found|Failed to execute \/init|can't find init)/ },
  { name: "Rust panic", pattern: /thread '[^']*' (?:\(\d+\) )?panicked at / },
  {
    name: "stack trace of netloom",
    pattern: /^\s+at .*(?:\/\$bunfs\/|\/usr\/lib\/netloom\/|\/netloom\/src\/|\.ts:\d+:\d+)/,
  },
];

/** The first rule that a console line breaks, if any; `expected` names lines that a test provokes on purpose. */
export function judgeLine(line: string, expected: readonly RegExp[] = []): ConsoleFinding | undefined {
  const rule = consoleRules.find(({ pattern }) => pattern.test(line));
  if (rule === undefined || expected.some((pattern) => pattern.test(line))) return undefined;
  return { rule: rule.name, line };
}
