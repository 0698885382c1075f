import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { CaptureFile } from "./capture-file.ts";
import { findBytes, linkUpkeep, summarise, unexpectedProtocols } from "./capture.ts";
import { readCapture, readFrames } from "./pcapng-read.ts";
import type { Direction } from "./pcapng-write.ts";

function ethernet(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`ffffffffffff525400000001${type}`, "hex"), payload]);
}

function udp4(from: number, to: number, payload: Buffer): Buffer {
  const header = Buffer.from("450000000000400040110000c0000201c0000202", "hex");
  header.writeUInt16BE(28 + payload.length, 2);
  const ports = Buffer.alloc(8);
  ports.writeUInt16BE(from, 0);
  ports.writeUInt16BE(to, 2);
  ports.writeUInt16BE(8 + payload.length, 4);
  return ethernet("0800", Buffer.concat([header, ports, payload]));
}

function icmp6(type: number, hopByHop: boolean = false): Buffer {
  const extension = hopByHop ? Buffer.from("3a00050200000000", "hex") : Buffer.alloc(0);
  const header = Buffer.alloc(40);
  header.writeUInt32BE(0x6000_0000, 0);
  header.writeUInt16BE(extension.length + 8, 4);
  header[6] = hopByHop ? 0 : 58;
  const message = Buffer.alloc(8);
  message[0] = type;
  return ethernet("86dd", Buffer.concat([header, extension, message]));
}

function wireguard(type: number, length: number): Buffer {
  const payload = Buffer.alloc(length, 0xaa);
  payload.writeUInt32LE(type, 0);
  return payload;
}

async function capture(
  frames: readonly Buffer[],
  direction: Direction = "from-guest",
): Promise<{ file: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "netloom-pcap-"));
  const file = join(directory, "n1.eth0.pcapng");
  await using out = await CaptureFile.open(file, "n1.eth0");
  for (const [index, frame] of frames.entries()) {
    // In a larger buffer, as the switch has them.
    const buffer = Buffer.concat([Buffer.alloc(3), frame, Buffer.alloc(2, 0xff)]);
    out.add(buffer, 3, 3 + frame.length, direction, 1_800_000_000_000_000 + index);
  }
  return { file, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test("gives back what was written: bytes, direction and microseconds", async (t) => {
  const frames = [60, 61, 62, 63, 1514, 65_000].map((length) => Buffer.alloc(length, length));
  await using written = await capture(frames, "to-guest");
  const read = await readCapture(written.file);
  t.deepEqual(
    read.map(({ bytes }) => bytes),
    frames,
  );
  t.true(read.every(({ direction }) => direction === "to-guest"));
  t.deepEqual(
    read.map(({ time }) => time - 1_800_000_000_000_000),
    [0, 1, 2, 3, 4, 5],
  );
});

test("keeps every frame of a capture far larger than its buffer", async (t) => {
  const frame = Buffer.alloc(1000, 7);
  await using written = await capture(Array.from({ length: 3000 }, () => frame));
  t.is((await summarise(written.file)).bytes, 3_000_000);
});

test("a full disk is told", async (t) => {
  await t.throwsAsync(CaptureFile.open("/dev/full", "n1.eth0"), { code: "ENOSPC" });
});

test("reads a capture that ends within a block, and refuses another file", async (t) => {
  await using written = await capture([Buffer.alloc(60), Buffer.alloc(60)]);
  const bytes = await readFile(written.file);
  t.is([...readFrames(bytes.subarray(0, -10))].length, 1);
  t.throws(() => [...readFrames(Buffer.from("no capture at all"))], { message: /pcapng/ });
});

test("names the protocols, WireGuard by its messages", async (t) => {
  const frames = [
    ethernet("0806", Buffer.alloc(28)),
    udp4(68, 67, Buffer.alloc(240)),
    udp4(123, 123, Buffer.alloc(48)),
    icmp6(135),
    icmp6(134),
    icmp6(143, true),
    udp4(51_820, 51_820, wireguard(1, 148)),
    udp4(51_820, 51_820, wireguard(2, 92)),
    udp4(51_820, 51_820, wireguard(4, 128)),
    udp4(51_820, 51_820, Buffer.from("this is no WireGuard message at all.")),
    Buffer.concat([Buffer.from("ffffffffffff525400000001810000640806", "hex"), Buffer.alloc(28)]),
  ];
  await using written = await capture(frames);
  const summary = await summarise(written.file);
  t.deepEqual(summary.protocols, {
    ARP: 2,
    DHCPv4: 1,
    NTP: 1,
    "ICMPv6 NS": 1,
    "ICMPv6 RA": 1,
    MLD: 1,
    "WireGuard initiation": 1,
    "WireGuard response": 1,
    "WireGuard transport": 1,
    "UDP 51820": 1,
  });
  t.deepEqual(unexpectedProtocols(summary, [linkUpkeep, /^WireGuard /]), ["UDP 51820 (1 frame)"]);
});

test("finds a secret raw, as hex, as base64 at any alignment, and torn over frames", async (t) => {
  const secret = Buffer.from("8f2c1b7e94d35a6077", "hex");
  const base64 = (shift: number): Buffer =>
    Buffer.from(Buffer.concat([Buffer.alloc(shift, 65), secret, Buffer.from("after")]).toString("base64"));
  const forms = {
    raw: secret,
    hex: Buffer.from(secret.toString("hex")),
    one: base64(0),
    two: base64(1),
    three: base64(2),
  };
  for (const [name, payload] of Object.entries(forms)) {
    await using written = await capture([udp4(1000, 2000, Buffer.alloc(20)), udp4(1000, 2000, payload)]);
    t.is((await findBytes(written.file, secret))[0]?.frame, 1, name);
  }
  await using torn = await capture([udp4(1000, 2000, secret.subarray(0, 4)), udp4(1000, 2000, secret.subarray(4))]);
  t.deepEqual(await findBytes(torn.file, secret), [{ form: "raw", frame: undefined }]);
  await using clean = await capture([udp4(1000, 2000, Buffer.alloc(500, 1))]);
  t.deepEqual(await findBytes(clean.file, secret), []);
});
