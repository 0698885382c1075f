/**
 * Runs independent work side by side. All of it ends before an error is shown: half a build that goes on in the
 * background would surprise. @throws the first failure in the order given.
 */
export async function together(...work: readonly (() => Promise<unknown>)[]): Promise<void> {
  const ends = await Promise.allSettled(work.map((make) => make()));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
