import test from "ava";
import { carriedOptions, debianMirror, parseDeb822, parseOneLine, sourcesFile } from "./mirror.ts";

const bookworm = `Types: deb
# a comment between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

test("the mirror is the archive that has a release of Debian, not its security archive", (t) => {
  t.is(debianMirror(parseDeb822(bookworm)), "http://mirror.example/debian");
  const security = parseDeb822(bookworm).slice(1);
  t.is(debianMirror(security), undefined);
});

test("disabled, source-only and third-party entries are left out", (t) => {
  const disabled = "Enabled: no\nTypes: deb\nURIs: http://a/debian\nSuites: trixie\nComponents: main\n";
  const source = "Types: deb-src\nURIs: http://b/debian\nSuites: trixie\nComponents: main\n";
  const third = "Types: deb\nURIs: https://c/node_20.x\nSuites: nodistro\nComponents: main\n";
  t.is(debianMirror(parseDeb822([disabled, source, third].join("\n"))), undefined);
});

test("fields continue on indented lines", (t) => {
  const text =
    "Types: deb deb-src\nURIs:\n  https://one.example/debian\n  https://two.example/debian\nSuites: trixie\nComponents: main\n";
  t.deepEqual(
    parseDeb822(text).map(({ uri }) => uri),
    ["https://one.example/debian", "https://two.example/debian"],
  );
});

test("one-line entries with options and comments are read", (t) => {
  const text = `# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://on.example/debian/ bookworm main contrib # here
deb-src http://on.example/debian bookworm main
deb http://on.example/debian bookworm-backports main
`;
  t.deepEqual(parseOneLine(text)[0], {
    uri: "http://on.example/debian/",
    suites: ["bookworm"],
    components: ["main", "contrib"],
  });
  t.is(debianMirror(parseOneLine(text)), "http://on.example/debian/");
  t.is(debianMirror(parseOneLine("deb http://on.example/debian bookworm-backports main\n")), undefined);
});

test("a Ubuntu host has no Debian mirror", (t) => {
  t.is(debianMirror(parseOneLine("deb http://archive.ubuntu.example/ubuntu noble main restricted\n")), undefined);
});

test("only options that decide how the mirror is reached are carried over", (t) => {
  const dump = `APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::http::Proxy::mirror.example "DIRECT";
Acquire::https::CaInfo "/etc/ssl/ca.pem";
Acquire::Check-Valid-Until "false";
Acquire::Languages "en";
Acquire::Retries "";
Dir::Etc "etc/apt";
`;
  t.deepEqual(carriedOptions(dump), [
    'Acquire::http::Proxy "http://proxy.example:3128";',
    'Acquire::http::Proxy::mirror.example "DIRECT";',
    'Acquire::https::CaInfo "/etc/ssl/ca.pem";',
    'Acquire::Check-Valid-Until "false";',
  ]);
});

test("a sources file is read back as the mirror it was made for", (t) => {
  t.is(debianMirror(parseDeb822(sourcesFile("https://m.example/debian", "trixie"))), "https://m.example/debian");
});
