/** A container or VM in a LAN. Names and MAC are kept with it, so that nothing is derived again at every pass. */
export interface Member {
  readonly lan: string;
  readonly name: string;
  /** Its namespace, which is not ours: given by whoever made the container. */
  readonly netns: string;
  /** Name of its link inside. */
  readonly nic: string;
  /** Name of the link on the node's side, a port of the LAN's bridge. */
  readonly hostName: string;
  /** Of the link inside. */
  readonly mac: string;
  /** "192.168.50.7/24" */
  readonly addresses: readonly string[];
  readonly routes: readonly { readonly to: string; readonly via?: string }[];
}

/** "Member lab/c1": how messages, files and units name a member. */
export function memberId({ lan, name }: Pick<Member, "lan" | "name">): string {
  return `Member ${lan}/${name}`;
}
