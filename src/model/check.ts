import type { CheckResult } from "./guard.ts";

/** What is asked of a network, from a link in it. */
export interface Question {
  readonly netns: string;
  /** The link that has the addresses; nothing is asked by another one. */
  readonly dev: string;
  /** Default routers; they are asked by ARP or neighbour discovery. */
  readonly gateways: readonly string[];
  /** "tcp://192.0.2.1:443", "icmp://192.0.2.1" */
  readonly targets: readonly string[];
}

/** A NIC whose network is asked, and what. */
export interface Asked {
  readonly nic: string;
  /** Other addresses make it another question. */
  readonly addresses: readonly string[];
  readonly question: Question;
}

/** How the parts of a question came out. */
export interface Answer {
  readonly gateway4?: CheckResult;
  readonly gateway6?: CheckResult;
  /** One for each target, named as it. */
  readonly checks: readonly CheckResult[];
}
