// The switch process of a lab: one unix socket a port, one learning bridge a network. It is started by switch.ts, is told
// what to do by messages of switch-messages.ts, and ends when its parent does.
import { rmSync } from "node:fs";
import { CaptureFile } from "./capture-file.ts";
import { Segment } from "./segment.ts";
import type { PortSpec, SwitchEvent, SwitchReply, SwitchRequest } from "./switch-messages.ts";
import { type PortEvents, SwitchPort } from "./switch-port.ts";

const captureBacklog = 4 * 1024 * 1024;
const segments = new Map<string, Segment<SwitchPort>>();
const ports = new Map<string, SwitchPort>();
/** Ports that got frames in the batch that is being read. */
const touched = new Set<SwitchPort>();

function tell(message: SwitchEvent | SwitchReply): void {
  // A parent that is being killed cannot be told; without a callback the failure would end this process too early.
  process.send?.(message, undefined, undefined, () => {});
}

function eventsOf(segment: Segment<SwitchPort>): PortEvents {
  return {
    frame: (from, buffer, start, end, time) => {
      segment.forward(from, buffer, start + 4, end, time / 1e6, (to) => {
        to.transmit(buffer, start, end, time);
        touched.add(to);
      });
    },
    batchEnd: (from) => {
      for (const to of touched) to.flush(from);
      touched.clear();
      waitForDisk(from);
    },
    connected: ({ name }) => tell({ event: "connected", port: name }),
    disconnected: (port) => {
      segment.forget(port);
      tell({ event: "disconnected", port: port.name });
    },
  };
}

/** A capture loses nothing: a guest waits while the disk is behind. */
function waitForDisk(from: SwitchPort): void {
  const behind = captures().filter(({ backlog }) => backlog > captureBacklog);
  if (behind.length === 0) return;
  from.hold();
  void Promise.all(behind.map((capture) => capture.drain())).then(() => from.release());
}

function captures(): readonly CaptureFile[] {
  return [...ports.values()].flatMap(({ capture }) => (capture === undefined ? [] : [capture]));
}

async function openPort(spec: PortSpec): Promise<void> {
  const segment = segments.getOrInsertComputed(spec.network, () => new Segment<SwitchPort>());
  const capture = spec.capture === undefined ? undefined : await CaptureFile.open(spec.capture, spec.name);
  const port = new SwitchPort(spec.name, capture, eventsOf(segment));
  await port.listen(spec.socket);
  segment.add(port);
  ports.set(spec.name, port);
}

async function stop(): Promise<void> {
  await Promise.allSettled([...ports.values()].map((port) => port[Symbol.asyncDispose]()));
}

async function answer(request: SwitchRequest): Promise<Partial<Extract<SwitchReply, { ok: true }>>> {
  switch (request.op) {
    case "open":
      await openPort(request.port);
      break;
    case "counters": {
      const port = ports.get(request.port);
      if (port === undefined) throw new Error(`the switch has no port "${request.port}"`);
      return { counters: port.counters };
    }
    case "flush":
      await Promise.all(captures().map((capture) => capture.flush()));
      break;
    case "stop":
      await stop();
      break;
  }
  return {};
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
