import { type Classified, classify } from "./classify.ts";
import { type CapturedFrame, readCapture } from "./pcapng-read.ts";

/** What went over a link. */
export type CaptureSummary = {
  readonly frames: number;
  /** Bytes of all frames. */
  readonly bytes: number;
  /** Frames by protocol: "ARP", "ICMPv6 NS", "DHCPv4", "WireGuard transport", "UDP 4789", "TCP 22", … */
  readonly protocols: Readonly<Record<string, number>>;
};

/** Counts the frames of a capture by protocol. */
export async function summarise(file: string): Promise<CaptureSummary> {
  const frames = await readCapture(file);
  const protocols: Record<string, number> = {};
  let bytes = 0;
  for (const frame of frames) {
    const { protocol } = classify(frame.bytes);
    protocols[protocol] = (protocols[protocol] ?? 0) + 1;
    bytes += frame.bytes.length;
  }
  return { frames: frames.length, bytes, protocols };
}

/** What a link carries beside an overlay: address resolution, configuration, names and time. */
export const linkUpkeep: RegExp = /^(?:ARP|ICMPv6 (?:RS|RA|NS|NA)|MLD|IGMP|DHCPv[46]|DNS|NTP)$/;

/** The protocols of a summary that match none of the patterns, with their counts: "TCP 80 (3 frames)". */
export function unexpectedProtocols(summary: CaptureSummary, allowed: readonly RegExp[]): readonly string[] {
  return Object.entries(summary.protocols)
    .filter(([protocol]) => !allowed.some((pattern) => pattern.test(protocol)))
    .map(([protocol, count]) => `${protocol} (${count} frame${count === 1 ? "" : "s"})`);
}

/** Where a secret was seen in a capture. */
export type Sighting = {
  /** "raw", "hex" or "base64" */
  readonly form: string;
  /** Number of the frame, from 0; undefined when it is spread over the payloads of several. */
  readonly frame: number | undefined;
};

/**
 * Looks for bytes in a capture, as they are, in hexadecimal digits and in base64 at any alignment; within each frame, and across
 * the payloads of each protocol and direction put together. An empty answer means that they are nowhere in clear.
 */
export async function findBytes(file: string, secret: Uint8Array): Promise<readonly Sighting[]> {
  if (secret.length < 8)
    throw new Error(`looking for ${secret.length} bytes in ${file}: fewer than 8 are found by chance`);
  const forms = formsOf(Buffer.from(secret));
  const frames = (await readCapture(file)).map((frame) => ({ frame, classified: classify(frame.bytes) }));
  const within = frames.flatMap(({ frame }, index) =>
    search(frame.bytes, forms).map((form) => ({ form, frame: index })),
  );
  if (within.length > 0) return within;
  return streamsOf(frames).flatMap((stream) => search(stream, forms).map((form) => ({ form, frame: undefined })));
}

function streamsOf(frames: readonly { frame: CapturedFrame; classified: Classified }[]): readonly Buffer[] {
  const groups = Map.groupBy(frames, ({ frame, classified }) => `${frame.direction} ${classified.protocol}`);
  return [...groups.values()].map((group) => Buffer.concat(group.map(({ classified }) => classified.payload)));
}

function search(bytes: Buffer, forms: readonly (readonly [string, Buffer])[]): readonly string[] {
  return forms.filter(([, pattern]) => bytes.includes(pattern)).map(([form]) => form);
}

function formsOf(secret: Buffer): readonly (readonly [string, Buffer])[] {
  const hex = secret.toString("hex");
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), secret]).toString("base64");
    // The first and the last group also hold bits of the neighbours.
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  return [
    ["raw", secret],
    ["hex", Buffer.from(hex)],
    ["hex", Buffer.from(hex.toUpperCase())],
    ...base64.map((text): [string, Buffer] => ["base64", Buffer.from(text)]),
  ];
}
