/** Name of the file in the daemon's runtime directory that is there while the node is online. */
export const ONLINE_FLAG = "online";
