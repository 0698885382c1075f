/** One repository of apt's configuration. */
export type AptEntry = {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
};

/** Entries of a deb822 file (`*.sources`), sources.list(5). Disabled stanzas and source-only ones are left out. */
export function parseDeb822(text: string): AptEntry[] {
  const entries: AptEntry[] = [];
  for (const stanza of text.split(/\n[ \t]*\n/)) {
    const fields = new Map<string, string>();
    let current = "";
    for (const line of stanza.split("\n")) {
      if (line.startsWith("#")) continue;
      const field = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
      if (field !== null) {
        current = (field[1] ?? "").toLowerCase();
        fields.set(current, field[2] ?? "");
      } else if (/^\s/.test(line) && current !== "") {
        fields.set(current, `${fields.get(current) ?? ""} ${line.trim()}`);
      }
    }
    const words = (name: string): string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (/^(no|false|0)$/i.test(fields.get("enabled") ?? "") || !words("types").includes("deb")) continue;
    for (const uri of words("uris")) entries.push({ uri, suites: words("suites"), components: words("components") });
  }
  return entries;
}

/** Entries of a one-line file (`*.list`), sources.list(5). */
export function parseOneLine(text: string): AptEntry[] {
  const entries: AptEntry[] = [];
  for (const line of text.split("\n")) {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line.trim());
    const [, uri, suite, components] = match ?? [];
    if (uri === undefined || suite === undefined) continue;
    entries.push({ uri, suites: [suite], components: (components ?? "").split(/\s+/).filter(Boolean) });
  }
  return entries;
}

const debianSuite =
  /^(buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)(-updates)?$/;

/**
 * The Debian archive that this host uses, or nothing (Ubuntu and others have none). Security and backports
 * archives and third parties' repositories are not it: it has a release of Debian itself with component `main`.
 */
export function debianMirror(entries: readonly AptEntry[]): string | undefined {
  return entries.find(
    (entry) =>
      /^(https?|mirror\+https?|file):/.test(entry.uri) &&
      !/security|ubuntu/.test(entry.uri) &&
      entry.components.includes("main") &&
      entry.suites.some((suite) => debianSuite.test(suite)),
  )?.uri;
}

/** Host options that decide whether the mirror can be reached, or is believed; the rest is the host's own affair. */
const carried =
  /^Acquire::(https?::(?:.*::)?(Proxy|Timeout|CaInfo|Verify-Peer|Proxy-Auto-Detect)|https?::Proxy(::.*)?|Check-Valid-Until|Retries|ForceIPv[46]) "(.*)";$/i;

/** Options of `apt-config dump` to hand on to the apt that fills the toolbox and the image. */
export function carriedOptions(dump: string): string[] {
  return dump.split("\n").filter((line) => carried.test(line) && !line.endsWith(' "";'));
}

/** The sources file for `suite` of a mirror. Signed by the archive's keyring, so any mirror will do. */
export function sourcesFile(mirror: string, suite: string): string {
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  return `Types: deb\nURIs: ${mirror}\nSuites: ${suite}\nComponents: main\nSigned-By: ${keyring}\n`;
}
