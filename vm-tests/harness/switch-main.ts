// The switch process of a lab: one unix socket a port, one learning bridge a network. It is started by switch.ts, is told
// what to do by messages of switch-messages.ts, and ends when its parent does.
import { rmSync } from "node:fs";
import type { CaptureFile } from "./capture-file.ts";
import { DelayLine } from "./delay-line.ts";
import type { Travelling } from "./link-pipe.ts";
import { Segment } from "./segment.ts";
import type { LinkSetting, PortSpec, SwitchEvent, SwitchReply, SwitchRequest } from "./switch-messages.ts";
import { type PortEvents, SwitchPort, microsecondsNow } from "./switch-port.ts";

const captureBacklog = 4 * 1024 * 1024;
const segments = new Map<string, Segment<SwitchPort>>();
const ports = new Map<string, SwitchPort>();
const segmentOf = new Map<SwitchPort, Segment<SwitchPort>>();
/** Ports that got frames since the last `sendAll`, and those that sent them. */
const touched = new Set<SwitchPort>();
const causes = new Set<SwitchPort>();
/** Frames on all links that are on their way because of a delay or rate. */
const line = new DelayLine<Travelling<SwitchPort>>(microsecondsNow, () => sendAll(microsecondsNow()));

function tell(message: SwitchEvent | SwitchReply): void {
  // A parent that is being killed cannot be told; without a callback the failure would end this process too early.
  process.send?.(message, undefined, undefined, () => {});
}

function eventsOf(segment: Segment<SwitchPort>): PortEvents {
  return {
    frame: (from, buffer, start, end, time) => {
      segment.forward(from, buffer, start + 4, end, time / 1e6, (to) => {
        to.toGuest.enter(from, buffer, start, end, time);
      });
    },
    queued: (to) => touched.add(to),
    batchEnd: (from, time) => {
      causes.add(from);
      sendAll(time);
      waitForDisk(from);
    },
    connected: ({ name }) => tell({ event: "connected", port: name }),
    disconnected: (port) => {
      segment.forget(port);
      tell({ event: "disconnected", port: port.name });
    },
  };
}

/** Lets everything arrive that is due, and writes to each port what it got. */
function sendAll(time: number): void {
  if (line.size > 0) {
    line.release(time, (travelling) => {
      causes.add(travelling.sender);
      travelling.pipe.arrive(travelling, time);
    });
  }
  for (const to of touched) to.flush(causes);
  touched.clear();
  causes.clear();
}

/** A capture loses nothing: a guest waits while the disk is behind. */
function waitForDisk(from: SwitchPort): void {
  if (!diskIsBehind()) return;
  const behind = captures().filter(({ backlog }) => backlog > captureBacklog);
  from.hold();
  void Promise.all(behind.map((capture) => capture.drain())).then(() => from.release());
}

/** Asked after every read, so it makes no list. */
function diskIsBehind(): boolean {
  for (const port of ports.values()) {
    for (const { backlog } of port.captures) if (backlog > captureBacklog) return true;
  }
  return false;
}

function captures(): readonly CaptureFile[] {
  return [...ports.values()].flatMap((port) => port.captures);
}

function portNamed(name: string): SwitchPort {
  const port = ports.get(name);
  if (port === undefined) throw new Error(`the switch has no port "${name}"`);
  return port;
}

async function openPort(spec: PortSpec): Promise<void> {
  const segment = segments.getOrInsertComputed(spec.network, () => new Segment<SwitchPort>());
  const port = new SwitchPort(spec.name, line, eventsOf(segment));
  if (spec.capture !== undefined) await port.startCapture(spec.capture);
  await port.listen(spec.socket);
  segment.add(port);
  segmentOf.set(port, segment);
  ports.set(spec.name, port);
}

function setLink(port: SwitchPort, setting: LinkSetting): void {
  const now = microsecondsNow();
  port.set(setting, now);
  if (setting.carrier === "down") segmentOf.get(port)?.forget(port);
  sendAll(now);
}

async function stop(): Promise<void> {
  line[Symbol.dispose]();
  await Promise.allSettled([...ports.values()].map((port) => port[Symbol.asyncDispose]()));
}

async function answer(request: SwitchRequest): Promise<Partial<Extract<SwitchReply, { ok: true }>>> {
  switch (request.op) {
    case "open":
      await openPort(request.port);
      break;
    case "set":
      setLink(portNamed(request.port), request.setting);
      break;
    case "counters":
      return { counters: portNamed(request.port).counters };
    case "startCapture":
      await portNamed(request.port).startCapture(request.file);
      break;
    case "stopCapture":
      await portNamed(request.port).stopCapture(request.file);
      break;
    case "flush":
      await flushAll(captures());
      break;
    case "stop":
      await stop();
      break;
  }
  return {};
}

/** Flushes all of them. @throws with every capture that is incomplete, one line each. */
async function flushAll(files: readonly CaptureFile[]): Promise<void> {
  const results = await Promise.allSettled(files.map((file) => file.flush()));
  const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
  if (failed.length > 0) throw new Error(failed.map(({ message }) => message).join("\n"));
}

process.on("message", (message: SwitchRequest & { readonly id: number }) => {
  const { id } = message;
  answer(message).then(
    (extra) => tell({ id, ok: true, ...extra }),
    (error: unknown) => tell({ id, ok: false, error: error instanceof Error ? error.message : String(error) }),
  );
});
// The terminal sends an interrupt to everyone; the parent decides when this process ends.
process.on("SIGINT", () => {});
process.on("disconnect", () => {
  void stop().then(() => {
    const [, , work] = process.argv;
    if (work !== undefined) rmSync(work, { recursive: true, force: true });
    process.exit(0);
  });
});
