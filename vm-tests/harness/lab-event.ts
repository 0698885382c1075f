/** What can happen to a node or a link, as a timeline shows it. */
export type LabEventKind = "boot" | "up" | "reset" | "panic" | "off" | "link";

/** Something that happened in a lab, at the moment when its listener is called. */
export type LabEvent = {
  /** A node ("n1"), or a link ("n1.eth0") when `what` is "link". */
  readonly of: string;
  readonly what: LabEventKind;
  /** How a node starts or ended, what a link does from now on: "clone", "QEMU ended with status 0", "loss=5%". */
  readonly detail?: string;
};

/** Told of each event of a lab as it happens. */
export type LabListener = (event: LabEvent) => void;
