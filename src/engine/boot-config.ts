import { createHash, createPublicKey, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { describeError, NetloomError } from "../lib/errors.ts";
import { areWholeFrames, isZstd } from "../lib/zstd-frame.ts";
import type { ConfigSource } from "../model/boot-flags.ts";
import type { SourceFile } from "../plan/parse-documents.ts";

/** No configuration is larger, compressed or not. */
const MAX_BYTES = 1 << 20;
const FW_CFG = "/sys/firmware/qemu_fw_cfg/by_name";
const FETCH_TIMEOUT_MS = 15_000;
const SIGNATURE_BYTES = 64;

type UrlSource = ConfigSource & { readonly type: "url" };

/** True when the source can be read before the node is online. */
export function isLocal(source: ConfigSource): boolean {
  return source.type !== "url";
}

/**
 * Reads one configuration source: plain YAML or a zstd frame of it. Throws with what was attempted and what to do; when `signal` aborts,
 * whoever has not answered by then is not waited for.
 */
export async function readConfig(source: ConfigSource, signal?: AbortSignal): Promise<SourceFile> {
  const bytes = await read(source, signal);
  return { name: source.word, text: decode(bytes, source) };
}

async function read(source: ConfigSource, signal: AbortSignal | undefined): Promise<Buffer> {
  switch (source.type) {
    case "inline":
      return Buffer.from(source.base64, "base64url");
    case "fw_cfg":
      return await readFile(join(FW_CFG, source.name, "raw")).catch((error: unknown) => {
        throw failure(
          source,
          "the machine's firmware has no such file",
          "start QEMU with -fw_cfg name=…,file=…, and load qemu_fw_cfg",
          error,
        );
      });
    case "url":
      return await fetchProven(source, signal);
  }
}

async function fetchProven(source: UrlSource, signal: AbortSignal | undefined): Promise<Buffer> {
  const bytes = await download(source.url, source, signal);
  const why = await findForgery(bytes, source, signal);
  if (why === undefined) return bytes;
  throw new NetloomError({
    code: "refused",
    op: "use the configuration",
    target: source.word,
    why,
    hint: "nothing of it was applied",
  });
}

async function download(url: string, source: UrlSource, stop: AbortSignal | undefined): Promise<Buffer> {
  const signal = AbortSignal.any([AbortSignal.timeout(FETCH_TIMEOUT_MS), ...(stop === undefined ? [] : [stop])]);
  const response = await fetch(url, { signal, redirect: "error" }).catch((error: unknown) => {
    throw failure(source, describeError(error), "it is tried again", error);
  });
  if (!response.ok) throw failure(source, `the server answered ${response.status} for ${url}`, "it is tried again");
  return await body(response, source);
}

/** Says why the bytes are not what the command line asked for; undefined when they are. */
async function findForgery(
  bytes: Buffer,
  source: UrlSource,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { proof } = source;
  if (proof.type === "sha256") {
    const digest = createHash("sha256").update(bytes).digest("hex");
    return digest === proof.digest ? undefined : `its SHA-256 is ${digest}, not the one on the command line`;
  }
  const url = new URL(source.url);
  url.pathname += ".sig";
  const signature = signatureOf(await download(url.href, source, signal));
  if (signature === undefined) return `${url.href} is no ed25519 signature (64 bytes, as they are or in base64)`;
  // RFC 8410: the public key as node:crypto takes it.
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(proof.key, "base64url").toString("base64url") },
    format: "jwk",
  });
  return verify(null, bytes, key, signature) ? undefined : `${url.href} was not made by the key on the command line`;
}

function signatureOf(file: Buffer): Buffer | undefined {
  if (file.length === SIGNATURE_BYTES) return file;
  const text = file.toString("latin1").trim();
  const decoded = /^[A-Za-z0-9+/_-]+={0,2}$/u.test(text) ? Buffer.from(text, "base64url") : undefined;
  return decoded?.length === SIGNATURE_BYTES ? decoded : undefined;
}

function decode(bytes: Buffer, source: ConfigSource): string {
  if (bytes.length > MAX_BYTES) throw failure(source, `it is larger than ${MAX_BYTES} bytes`, "split it");
  return textOf(isZstd(bytes) ? decompress(bytes, source) : bytes, source);
}

function decompress(bytes: Buffer, source: ConfigSource): Buffer {
  try {
    if (!areWholeFrames(bytes)) throw new RangeError("a part of it is missing");
    return zstdDecompressSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    throw failure(source, "its zstd frame is damaged or too large", "compress it again with zstd", error);
  }
}

function textOf(bytes: Buffer, source: ConfigSource): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw failure(source, "it is neither UTF-8 text nor a zstd frame", "encode it again", error);
  }
}

/** The answer's content; one that goes on and on is cut off, so that no server can fill the memory. */
async function body(response: Response, source: ConfigSource): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw failure(source, describeError(error), "it is tried again", error);
  }
  if (size > MAX_BYTES) throw failure(source, `it is larger than ${MAX_BYTES} bytes`, "split it");
  return Buffer.concat(chunks);
}

function failure(source: ConfigSource, why: string, hint: string, cause?: unknown): NetloomError {
  return new NetloomError({ code: "failed", op: "read the configuration", target: source.word, why, hint, cause });
}
