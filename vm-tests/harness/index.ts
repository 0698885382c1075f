// Labs as a library, for tests of one's own daemon: vm-tests/README.md, "Labs for your own daemon". `scenario.ts` is not in here,
// because AVA lets itself be imported by nothing but its tests.
export { type AccelVerdict, describeAccelerator, proveAccelerator } from "./accel.ts";
export type { ExecOptions, ExecResult, GuestProgram, InputStream, StartOptions } from "./agent-client.ts";
export type { Hello, TerminalSize } from "./agent-messages.ts";
export { type CaptureSummary, type Sighting, findBytes, summarise } from "./capture.ts";
export { type Classified, classify } from "./classify.ts";
export { type ConsoleFinding, type ConsoleRule, consoleRules } from "./console-rules.ts";
export { type InitramfsOptions, writeInitramfs } from "./initramfs.ts";
export { Lab, type LabImage, type LabOptions } from "./lab.ts";
export { type Evidence, LabError } from "./lab-error.ts";
export type { LabEvent, LabEventKind, LabListener } from "./lab-event.ts";
export type { LabLink } from "./lab-links.ts";
export type { LinkProperties } from "./link-properties.ts";
export { formatLinkProperties, parseLinkWords } from "./link-words.ts";
export { LabNode, type RunOptions } from "./node.ts";
export type { JournalEntry, JournalOptions } from "./node-journal.ts";
export { type CapturedFrame, readCapture } from "./pcapng-read.ts";
export type { DirectionCounters, PortCounters } from "./switch-messages.ts";
export { labOptions } from "./test-lab.ts";
export type { GuestFiles, NicSpec, NodeSpec, Topology } from "./topology.ts";
export { type LoadedTopology, loadTopology } from "./topology-file.ts";
export type { NodeDeclaration, TopologyDeclaration } from "./topology-schema.ts";
