import { homedir } from "node:os";
import { join } from "node:path";

/** Where everything that can be made again lies: `NETLOOM_CACHE`, or `netloom` in the user's cache directory. */
export function cacheRoot(): string {
  const own = process.env["NETLOOM_CACHE"];
  if (own !== undefined && own !== "") return own;
  const base = process.env["XDG_CACHE_HOME"];
  return join(base !== undefined && base !== "" ? base : join(homedir(), ".cache"), "netloom");
}
