import { basename, join } from "node:path";
import { mkdir } from "node:fs/promises";
import * as v from "valibot";
import { stringify } from "yaml";
import { removeSynced, setAside, writeFilesAtomic } from "../lib/atomic-file.ts";
import { parseCidr } from "../lib/ip.ts";
import { checkValue, issueText } from "../lib/schema-check.ts";
import { readYaml } from "../lib/yaml-source.ts";
import { Address, LinkName, MemberName, Name, Network, NetnsName } from "../model/fields.ts";
import { memberId, type Member } from "../model/member.ts";
import type { SourceFile } from "../plan/parse-documents.ts";
import { cannotKeep, readYamlFiles } from "./yaml-files.ts";

const Entry = v.strictObject({
  name: MemberName,
  netns: NetnsName,
  nic: LinkName,
  hostName: LinkName,
  mac: v.pipe(v.string("is no text"), v.regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/u, "is not a MAC address")),
  addresses: v.array(
    v.pipe(
      v.string("is no text"),
      v.check((text) => parseCidr(text) !== undefined, "is not an address with prefix length"),
    ),
    "is no list",
  ),
  routes: v.array(v.strictObject({ to: Network, via: v.exactOptional(Address) }), "is no list"),
});

const FileSchema = v.strictObject({ lan: Name, members: v.array(Entry, "is no list") });

/**
 * The members of the LANs with what they were given: one readable YAML file a LAN, so that a restarted daemon gives
 * nothing twice and knows what to restore.
 */
export class Allocations {
  readonly #directory: string;
  readonly #lans: Map<string, ReadonlyMap<string, Member>> = new Map();
  /** The part of its LAN's file that is a member's: a thousand others are not rendered again when one joins. */
  readonly #rendered = new WeakMap<Member, string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads what was given before. A damaged file is set aside and named in the result; the rest is read. */
  async load(): Promise<readonly string[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const { files, problems } = await readYamlFiles(this.#directory);
    for (const file of files) {
      const read = parseFile(file);
      if ("members" in read) this.#lans.set(read.lan, read.members);
      else problems.push(`${await setAside(file.name, read.problems.join("; "))}; its members have to join again`);
    }
    return problems;
  }

  find(lan: string, name: string): Member | undefined {
    return this.#lans.get(lan)?.get(name);
  }

  /** The members of all LANs, or of one. */
  all(lan?: string): readonly Member[] {
    const lans = lan === undefined ? [...this.#lans.values()] : [this.#lans.get(lan) ?? new Map<string, Member>()];
    return lans.flatMap((members) => [...members.values()]);
  }

  /** Keeps and forgets members; when it cannot be written, all stays as it was. */
  async change(added: readonly Member[], removed: readonly Member[]): Promise<void> {
    const next = new Map<string, Map<string, Member>>();
    const open = (lan: string): Map<string, Member> => {
      const opened = next.get(lan) ?? new Map(this.#lans.get(lan));
      next.set(lan, opened);
      return opened;
    };
    for (const { lan, name } of removed) open(lan).delete(name);
    for (const member of added) open(member.lan).set(member.name, member);
    const files = [...next].map(([lan, members]) => ({
      path: this.#path(lan),
      content: this.#render(lan, members),
      members,
    }));
    try {
      await writeFilesAtomic(
        files.filter(({ members }) => members.size > 0),
        0o600,
      );
      for (const { path, members } of files) if (members.size === 0) await removeSynced(path);
    } catch (error) {
      throw cannotKeep([...added, ...removed].map(memberId).join(", "), this.#directory, error);
    }
    for (const [lan, members] of next) {
      if (members.size === 0) this.#lans.delete(lan);
      else this.#lans.set(lan, members);
    }
  }

  #path(lan: string): string {
    return join(this.#directory, `${lan}.yaml`);
  }

  #render(lan: string, members: ReadonlyMap<string, Member>): string {
    const parts = [...members.values()].map((member) => {
      const known = this.#rendered.get(member);
      if (known !== undefined) return known;
      const { lan: _lan, ...entry } = member;
      const text = stringify([entry], { flowCollectionPadding: false });
      this.#rendered.set(member, text);
      return text;
    });
    return `# Members of Lan ${lan} with what Netloom gave them.\nlan: ${lan}\nmembers:\n${parts.join("")}`;
  }
}

type Read =
  | { readonly lan: string; readonly members: ReadonlyMap<string, Member> }
  | { readonly problems: readonly string[] };

function parseFile({ name, text }: SourceFile): Read {
  const [part, more] = readYaml(text);
  if (part === undefined || more !== undefined) return { problems: ["it is not one YAML document"] };
  if ("problems" in part) return { problems: part.problems.map(({ line, message }) => `${name}:${line}: ${message}`) };
  const checked = checkValue(FileSchema, part.value);
  if ("issues" in checked)
    return {
      problems: checked.issues.map(
        (issue) => `${name}:${part.line(issue.path)}: ${issue.path.join(".")} ${issueText(issue)}`,
      ),
    };
  const { lan, members } = checked.output;
  if (basename(name) !== `${lan}.yaml`) return { problems: [`it says that it is of Lan ${lan}`] };
  return { lan, members: new Map(members.map((entry) => [entry.name, { lan, ...entry }])) };
}
